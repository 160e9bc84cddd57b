"""The entries that ship, one TOML file each beside this module."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from edgekit_targets.errors import InputError
from edgekit_targets.runtimes import TARGETS
from edgekit_targets.toml import check_keys, nearest, parse_table, parse_toml
from edgekit_targets.types.catalogue import Entry

FIGURES = (
    "processor",
    "cores",
    "memory",
    "architecture",
    "isa",
    "lacks",
    "threads",
    "energy",
    "memory_controller",
    "targets",
)
"""What needs a source, by the names in the file."""
_OTHERS = ("title", "marks", "traps", "sources")
_SIZE = re.compile(r"([1-9][0-9]{0,5})(MiB|GiB)")
_BYTES = {"MiB": 2**20, "GiB": 2**30}


@cache
def entries() -> tuple[Entry, ...]:
    """Every entry that ships, by name."""
    folder = resources.files("edgekit_targets.catalogue")
    files = {file.name.removesuffix(".toml"): file for file in folder.iterdir() if file.name.endswith(".toml")}
    return tuple(parse_entry(name, files[name].read_text(encoding="utf-8")) for name in sorted(files))


def find_entry(name: str, where: str) -> Entry:
    """The entry of that name.

    Raises:
        InputError: there is none; ``where`` names the option or file, the nearest names are offered.
    """
    for entry in entries():
        if entry.name == name:
            return entry
    raise InputError(f"{where}: {name!r} is not in the catalogue; {nearest(name, [one.name for one in entries()])}")


def parse_entry(name: str, text: str) -> Entry:
    """Read one entry strictly: every key known, every size with its unit, every figure with a source.

    Raises:
        InputError: naming what is wrong.
    """
    where = f"catalogue entry {name}"
    data = parse_toml(text, where)
    check_keys(data, (*FIGURES, *_OTHERS), where)
    given = {figure for figure in FIGURES if figure in data}
    sizes = data.pop("memory", [])
    optional = {"processor": None, "cores": None, "energy": None, "memory_controller": None}
    empty: dict[str, Any] = {"isa": [], "lacks": [], "threads": [], "traps": [], "targets": {}}
    entry = parse_table(Entry, optional | empty | data | {"name": name, "memory_bytes": _sizes(sizes, where)}, where)
    _check(entry, given, where)
    return entry


def _sizes(texts: Any, where: str) -> list[int]:
    if not isinstance(texts, list):
        raise InputError(f'{where}: memory must be a list of sizes, e.g. memory = ["1GiB", "2GiB"]')
    found = []
    for text in texts:
        match = _SIZE.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise InputError(f"{where}: memory {text!r} is no size; write a whole number of MiB or GiB, e.g. 2GiB")
        found.append(int(match[1]) * _BYTES[match[2]])
    if found != sorted(set(found)):
        raise InputError(f"{where}: memory sizes must ascend, each once")
    return found


def _check(entry: Entry, given: set[str], where: str) -> None:
    if entry.cores is not None and entry.cores < 1:
        raise InputError(f"{where}: cores must be at least 1")
    if any(not 1 <= count <= (entry.cores or count) for count in entry.threads):
        raise InputError(f"{where}: threads must lie between 1 and the number of cores")
    if both := set(entry.isa) & set(entry.lacks):
        raise InputError(f"{where}: {', '.join(sorted(both))} is both in isa and in lacks")
    check_keys(entry.targets, (target.name for target in TARGETS), f"{where}: targets")
    for pattern in entry.marks.cpus:
        try:
            re.compile(pattern)
        except re.error as error:
            raise InputError(f"{where}: marks.cpus {pattern!r} is no regular expression: {error}") from error
    for url in (*(source.url for source in entry.sources), *(trap.url for trap in entry.traps)):
        if urlsplit(url).scheme != "https" or not urlsplit(url).netloc:
            raise InputError(f"{where}: {url!r} is no https address of a document")
    sourced = {figure for source in entry.sources for figure in source.figures}
    check_keys(dict.fromkeys(sorted(sourced)), sorted(given), f"{where}: sources")
    if missing := given - sourced:
        raise InputError(f"{where}: {', '.join(sorted(missing))} has no source; leave out what has none")
