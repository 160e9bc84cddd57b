"""``edgekit init``: a commented ``edgekit.toml`` to start from."""

from __future__ import annotations

from edgekit.commands import options

NAME = "init"
EXAMPLE = "edgekit init"


def run(force: options.Force = False, json: options.Json = False) -> None:
    """Write a commented edgekit.toml here: your devices, budgets and defaults.

    Every command looks for edgekit.toml in the working directory and upwards, to the root of the repository or your
    home. An option on the command line goes before its default in the file.
    """
    from importlib import resources
    from pathlib import Path

    from edgekit.project.contract import FILE
    from edgekit.terminal.output import print_json, print_line
    from edgekit_targets.errors import InputError
    from edgekit_targets.files import write_atomic

    path = Path(FILE)
    if path.is_dir():
        raise InputError(f"{FILE} is a folder here; move it away")
    if (path.exists() or path.is_symlink()) and not force:
        raise InputError(f"{FILE} exists here already; replace it with --force")
    write_atomic(path, (resources.files("edgekit.project") / "template.toml").read_text(encoding="utf-8"))
    if json:
        print_json({"schema_version": 1, "project": str(path.absolute())})
    else:
        print_line(f"project: {path.absolute()}")
