"""Options that were not given take the team's defaults, and say so."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.project.contract import Project


def fill(project: Project, say: Callable[[str], None], **given: str | None) -> dict[str, str | None]:
    """The value of each option: the one given, else the default of the project, else None.

    Args:
        project: where the defaults are.
        say: told in one line which options took a default, and from which file.
        **given: option names with what was given on the command line; None for nothing.
    """
    chosen = {name: value if value is not None else getattr(project.defaults, name) for name, value in given.items()}
    taken = [f"--{name} {value}" for name, value in chosen.items() if value is not None and given[name] is None]
    if taken:
        say(f"from {project.path}: {', '.join(taken)}")
    return chosen
