"""Where a ``--budget`` comes from: limits written out, an example that ships, or a TOML file."""

from __future__ import annotations

import difflib
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from edgekit.budget.budget import Budget, checked, parse_limit, parse_limits
from edgekit_targets.errors import InputError
from edgekit_targets.types.verdict import Limit

DEFAULT = "imu-50hz"
MAX_TOML_BYTES = 1 << 20


def examples() -> list[str]:
    """The names of the budgets that ship."""
    folder = resources.files("edgekit.budget") / "examples"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_budget(text: str) -> Budget:
    """Turn the argument of ``--budget`` into a budget.

    Raises:
        InputError: no such name or file, or limits that do not parse.
    """
    if any(operator in text for operator in ("=", "<", ">")):
        limits = parse_limits(text, "--budget")
        return Budget(name=str(Budget("", limits)), limits=limits)
    if text in examples():
        source = resources.files("edgekit.budget") / "examples" / f"{text}.toml"
        return _from_toml(text, source.read_text(encoding="utf-8"), f"budget {text}")
    path = Path(text)
    if path.suffix == ".toml" or path.exists():
        return _from_file(path)
    near = difflib.get_close_matches(text, examples(), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"examples that ship: {', '.join(examples())}"
    raise InputError(
        f'--budget {text!r} is neither limits ("p99=20ms, accuracy=0.9"), an example nor a TOML file; {hint}'
    )


def _from_file(path: Path) -> Budget:
    try:
        if path.stat().st_size > MAX_TOML_BYTES:
            raise InputError(f"--budget {path} is larger than 1 MiB; it is no budget")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"--budget {path} is not UTF-8 text; write a TOML file with a [budget] table") from error
    except OSError as error:
        raise InputError(f"--budget {path} cannot be read: {error.strerror}") from error
    return _from_toml(path.stem, text, f"--budget {path}")


def _from_toml(name: str, text: str, where: str) -> Budget:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is not valid TOML: {error}") from error
    table = document.get("budget")
    if not isinstance(table, dict):
        raise InputError(f'{where} has no [budget] table; add one, e.g. [budget] and below it p99 = "20ms"')
    return Budget(name=name, limits=checked([_limit(key, value, where) for key, value in table.items()], where))


def _limit(name: str, value: Any, where: str) -> Limit:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise InputError(f'{where}: {name} must be a quantity such as "20ms" or 0.9')
    return parse_limit(name, value if isinstance(value, str) else repr(value), "=", where)
