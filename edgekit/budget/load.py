"""Where a ``--budget`` comes from: limits written out, a name of the team's, an example that ships, a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from edgekit.budget.budget import Budget, checked, parse_limit, parse_limits
from edgekit_targets.errors import InputError
from edgekit_targets.toml import nearest, parse_toml, read_toml
from edgekit_targets.types.verdict import Limit

DEFAULT = "imu-50hz"


def examples() -> list[str]:
    """The names of the budgets that ship."""
    folder = resources.files("edgekit.budget") / "examples"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_budget(text: str, own: Mapping[str, Budget] | None = None) -> Budget:
    """Turn the argument of ``--budget`` into a budget.

    Args:
        text: limits, a name or a path.
        own: the team's budgets; they come before the examples.

    Raises:
        InputError: no such name or file, or limits that do not parse or contradict each other.
    """
    own = own or {}
    if any(operator in text for operator in ("=", "<", ">")):
        limits = parse_limits(text, "--budget")
        return Budget(name=str(Budget("", limits)), limits=limits)
    if text in own:
        return own[text]
    if text in examples():
        source = resources.files("edgekit.budget") / "examples" / f"{text}.toml"
        return _from_document(text, parse_toml(source.read_text(encoding="utf-8"), f"budget {text}"), f"budget {text}")
    path = Path(text)
    if path.suffix == ".toml" or path.exists():
        return _from_document(path.stem, read_toml(path, f"--budget {path}"), f"--budget {path}")
    raise InputError(
        f'--budget {text!r} is neither limits ("p99=20ms, accuracy=0.9"), a name nor a TOML file; '
        f"{nearest(text, dict.fromkeys([*own, *examples()]))}"
    )


def budget_from_table(name: str, table: Mapping[str, Any], where: str) -> Budget:
    """Read the limits of one table; ``where`` names it in messages.

    Raises:
        InputError: no limit, an unknown one, a wrong type or unit, or limits that contradict each other.
    """
    return Budget(name=name, limits=checked([_limit(key, value, where) for key, value in table.items()], where))


def _from_document(name: str, document: Mapping[str, Any], where: str) -> Budget:
    table = document.get("budget")
    if not isinstance(table, dict):
        raise InputError(f'{where} has no [budget] table; add one, e.g. [budget] and below it p99 = "20ms"')
    return budget_from_table(name, table, where)


def _limit(name: str, value: Any, where: str) -> Limit:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise InputError(f'{where}: {name} must be a quantity such as "20ms" or 0.9')
    return parse_limit(name, value if isinstance(value, str) else repr(value), "=", where)
