"""Frozen dataclasses to JSON and back, checked field by field.

Everything edgekit writes to disk or sends over a pipe is one of the frozen types in :mod:`edgekit_targets.types`. What
comes back is untrusted (edited by hand, truncated, of another version), so parsing names the field that is wrong.
Unknown keys are ignored: a newer minor version may add some. Only the standard library is used, because this runs on
the device too.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from edgekit_targets.errors import InputError

Record = TypeVar("Record")
MAX_JSON_BYTES = 256 * 1024 * 1024


def to_json(value: Any) -> Any:
    """Turn a dataclass (or a nest of them) into what :func:`json.dumps` takes; floats stay unrounded."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def dumps(value: Any, *, indent: int | None = None) -> str:
    """One JSON document; refuses NaN and infinities, which JSON has no words for."""
    return json.dumps(to_json(value), indent=indent, allow_nan=False, ensure_ascii=False)


def loads(text: str, where: str) -> Any:
    """Parse JSON strictly.

    Raises:
        InputError: not JSON, or holds NaN or infinity; ``where`` names the file or the peer.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not valid JSON ({error}); it may be truncated or edited by hand") from error


def load_file(path: Path) -> Any:
    """Read one JSON file of at most 256 MiB.

    Raises:
        InputError: missing, unreadable, too large, not UTF-8 or not JSON.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InputError(f"{path} is larger than {MAX_JSON_BYTES // 2**20} MiB; it is no edgekit document")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text; it is no edgekit document") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    return loads(text, str(path))


def parse(kind: type[Record], data: Any, where: str) -> Record:
    """Build the frozen dataclass ``kind`` from parsed JSON.

    Args:
        kind: a dataclass whose fields are dataclasses, scalars, ``Literal``, ``X | None``, ``tuple[X, ...]`` or
            ``dict[str, X]``.
        data: what :func:`json.loads` gave.
        where: the file or peer, for the message.

    Raises:
        InputError: a field is missing or of the wrong kind; the message names it.
    """
    return cast(Record, _parse(kind, data, where))


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is too large for a number")
    return number


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _parse(hint: Any, data: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if hint is Any:
        return data
    if dataclasses.is_dataclass(hint):
        return _parse_record(cast(type, hint), data, where)
    if origin in (typing.Union, types.UnionType):
        return _parse_union(typing.get_args(hint), data, where)
    if origin is typing.Literal:
        if data in typing.get_args(hint):
            return data
        raise InputError(f"{where} must be one of {', '.join(map(str, typing.get_args(hint)))}, not {data!r}")
    if origin is tuple:
        return _parse_tuple(typing.get_args(hint), data, where)
    if origin is dict:
        if not isinstance(data, dict):
            raise InputError(f"{where} must be an object, not {_name(data)}")
        return {key: _parse(typing.get_args(hint)[1], item, f"{where}.{key}") for key, item in data.items()}
    return _parse_scalar(hint, data, where)


def _parse_record(kind: type, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise InputError(f"{where} must be an object, not {_name(data)}")
    values = {}
    for field in dataclasses.fields(kind):
        if field.name in data:
            values[field.name] = _parse(_hints(kind)[field.name], data[field.name], f"{where}: {field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(f"{where}: {field.name} is missing; the file may be truncated or edited by hand")
    return kind(**values)


def _parse_union(options: Sequence[Any], data: Any, where: str) -> Any:
    if data is None and types.NoneType in options:
        return None
    wanted = [option for option in options if option is not types.NoneType]
    for option in wanted[:-1]:
        try:
            return _parse(option, data, where)
        except InputError:
            continue
    return _parse(wanted[-1], data, where)


def _parse_tuple(items: Sequence[Any], data: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise InputError(f"{where} must be a list, not {_name(data)}")
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_parse(items[0], item, f"{where}[{index}]") for index, item in enumerate(data))
    if len(items) != len(data):
        raise InputError(f"{where} must have {len(items)} entries, not {len(data)}")
    return tuple(
        _parse(kind, item, f"{where}[{index}]") for index, (kind, item) in enumerate(zip(items, data, strict=True))
    )


def _parse_scalar(hint: Any, data: Any, where: str) -> Any:
    if hint is float and isinstance(data, (int, float)) and not isinstance(data, bool):
        try:
            number = float(data)
        except OverflowError as error:
            raise InputError(f"{where} is too large for a number") from error
        if math.isfinite(number):
            return number
        raise InputError(f"{where} must be finite, not {data!r}")
    if hint in (int, str, bool) and type(data) is hint:
        return data
    raise InputError(f"{where} must be {getattr(hint, '__name__', hint)}, not {_name(data)}")


def _name(data: Any) -> str:
    return "null" if data is None else type(data).__name__
