"""TOML that people write, read strictly: a word that is not known is refused, with the ones that are like it."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from edgekit_targets.errors import InputError
from edgekit_targets.records import parse

MAX_BYTES = 1 << 20
Record = TypeVar("Record")


def read_toml(path: Path, where: str) -> dict[str, Any]:
    """Read one TOML file of at most 1 MiB; ``where`` names it in messages.

    Raises:
        InputError: unreadable, too large, not UTF-8 or not TOML.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{where} is larger than 1 MiB; it is no file of edgekit's")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{where} is not UTF-8 text; write a TOML file") from error
    except OSError as error:
        raise InputError(f"{where} cannot be read: {error.strerror}") from error
    return parse_toml(text, where)


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Read TOML text.

    Raises:
        InputError: not TOML.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{where} is not valid TOML: {error}") from error


def parse_table(kind: type[Record], data: Any, where: str) -> Record:
    """Build the frozen dataclass ``kind`` from a table, as :func:`edgekit_targets.records.parse`, but know every key.

    Raises:
        InputError: a key is unknown or missing, or a value of the wrong kind; the message names it.
    """
    _refuse_unknown(kind, data, where)
    return parse(kind, data, where)


def check_keys(data: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuse a key that is not among ``known``.

    Raises:
        InputError: naming the key, and those like it.
    """
    known = list(known)
    for key in data:
        if key not in known:
            raise InputError(f"{where}: {key!r} is unknown; {nearest(key, known)}")


def nearest(word: str, known: Iterable[str]) -> str:
    """What to offer for a word that is not known: those like it, or all there are."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"known are {', '.join(known)}" if known else "none are known"


def _refuse_unknown(hint: Any, data: Any, where: str) -> None:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(data, dict):
        check_keys(data, (field.name for field in dataclasses.fields(hint)), where)
        hints = typing.get_type_hints(hint)
        for key, value in data.items():
            _refuse_unknown(hints[key], value, f"{where}: {key}")
    elif origin in (typing.Union, types.UnionType):
        for option in inner:
            _refuse_unknown(option, data, where)
    elif origin is tuple and isinstance(data, list):
        for index, value in enumerate(data):
            _refuse_unknown(inner[0], value, f"{where}[{index}]")
    elif origin is dict and isinstance(data, dict):
        for key, value in data.items():
            _refuse_unknown(inner[1], value, f"{where}.{key}")
