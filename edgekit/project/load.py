"""Finding and reading ``edgekit.toml``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.budget.load import budget_from_table
from edgekit.devices.address import LOCAL, parse_address
from edgekit.project.contract import FILE, Defaults, OwnDevice, Project
from edgekit_targets.catalogue.load import find_entry
from edgekit_targets.errors import InputError
from edgekit_targets.toml import parse_table, read_toml

_FOLDER = re.compile(r"(/[A-Za-z0-9._-]+)+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True)
class _Device:
    address: str
    catalogue: str | None = None
    folder: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Defaults:
    """As written: one text as on the command line, or a list."""

    data: str | None = None
    preset: str | None = None
    device: str | None = None
    target: str | tuple[str, ...] | None = None
    threads: int | str | tuple[int, ...] | None = None
    prefer: str | tuple[str, ...] | None = None
    budget: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Document:
    defaults: _Defaults | None = None
    devices: dict[str, _Device] | None = None
    budgets: dict[str, dict[str, Any]] | None = None


def load_project(start: Path | None = None) -> Project:
    """The project of the folder ``start``, by default the working directory; an empty one where there is no file.

    Raises:
        InputError: the file is there and something in it is wrong; the message names it.
    """
    path = find_project(start)
    return Project() if path is None else read_project(path)


def find_project(start: Path | None = None) -> Path | None:
    """Look for the file in a folder and those above it, up to the root of the repository or the user's home."""
    try:
        folder = (start or Path.cwd()).absolute()
        home = Path.home()
    except (OSError, RuntimeError):  # the working directory is gone; nobody's home is known
        return None
    for place in (folder, *folder.parents):
        try:
            if (place / FILE).is_file():
                return place / FILE
            if place == home or (place / ".git").exists():
                return None
        except OSError:  # a folder above that may not be looked into
            return None
    return None


def read_project(path: Path) -> Project:
    """Read one file strictly.

    Raises:
        InputError: not TOML, an unknown key (the nearest are offered), a wrong type, unit, address or name.
    """
    where = str(path)
    document = parse_table(_Document, read_toml(path, where), where)
    devices = {name: _device(name, one, where) for name, one in (document.devices or {}).items()}
    budgets = {}
    for name, table in (document.budgets or {}).items():
        _check_name(name, f"{where}: budgets")
        budgets[name] = budget_from_table(name, table, f"{where}: budgets.{name}")
    defaults = document.defaults or _Defaults()
    _check_threads(defaults.threads, where)
    written = Defaults(**{name: _as_written(getattr(defaults, name)) for name in _Defaults.__dataclass_fields__})
    return Project(path=path, defaults=written, devices=devices, budgets=budgets)


def _device(name: str, one: _Device, where: str) -> OwnDevice:
    _check_name(name, f"{where}: devices")
    if name == LOCAL:
        raise InputError(f"{where}: devices.{name}: {LOCAL!r} is this machine already; choose another name")
    if one.catalogue is not None:
        find_entry(one.catalogue, f"{where}: devices.{name}: catalogue")
    address = parse_address(one.address, f"{where}: devices.{name}: address")
    if one.folder is not None and not _FOLDER.fullmatch(one.folder):
        raise InputError(f'{where}: devices.{name}: {one.folder!r} is no absolute path; write e.g. folder = "/data"')
    return OwnDevice(name=name, address=address, catalogue=one.catalogue, folder=one.folder)


def _check_name(name: str, where: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(f"{where}: {name!r} is no name; use letters, digits, dots, dashes and underscores")


def _check_threads(threads: object, where: str) -> None:
    counts = threads if isinstance(threads, tuple) else (threads,)
    if any(isinstance(count, int) and count < 1 for count in counts):
        raise InputError(f"{where}: defaults: threads must be positive whole numbers, e.g. threads = [1, 2]")


def _as_written(value: Any) -> str | None:
    """On the command line a list is written with commas."""
    if value is None:
        return None
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
