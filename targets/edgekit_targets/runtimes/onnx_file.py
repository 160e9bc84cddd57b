"""Reading what an ``.onnx`` file declares, without the onnx package (a device does not have it).

An ONNX file is one protocol-buffers message. Only its outline is walked here: the declared inputs and outputs, and
whether any weight lies in another file. Field numbers are those of onnx/onnx.proto, the encoding is described at
https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Tensor

_DTYPES: Final = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_EXTERNAL = 1
_NAMELESS = ("", "?", "-1", "None")
"""What exporters write for a dimension that varies without a name of its own: two of these need not be equal."""
_MAX_DEPTH = 16


class Signature(NamedTuple):
    """What a model takes and gives."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


class _Field(NamedTuple):
    """One field of a message: a number (``value``) or the bytes from ``start`` to ``end``."""

    number: int
    wire: int
    value: int
    start: int
    end: int


class _Broken(Exception):
    """The bytes are not the message they should be."""


def read_signature(path: Path) -> Signature:
    """The declared inputs and outputs of a model; a dimension that varies is its name, or made up where it has none.

    Raises:
        InputError: the file is missing, is no ONNX model, is truncated, keeps weights in another file, or takes or
            gives something else than tensors of numbers.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _signature(data, path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; pass an .onnx file") from error
    except (_Broken, ValueError) as error:
        raise InputError(f"{path} is no ONNX file, or only a part of one; export or copy it again") from error


def _signature(data: mmap.mmap, path: Path) -> Signature:
    graphs = [field for field in _fields(data, 0, len(data)) if field.number == 7 and field.wire == _BYTES]
    if len(graphs) != 1:
        raise _Broken
    graph = list(_fields(data, graphs[0].start, graphs[0].end))
    if _external(data, graphs[0], 0):
        raise InputError(f"{path} keeps weights in another file; save it as one file without external data")
    weights = {_text(data, _only(data, field, 8)) for field in graph if field.number == 5}
    inputs = [_tensor(data, field, path) for field in graph if field.number == 11]
    outputs = [_tensor(data, field, path) for field in graph if field.number == 12]
    if not outputs:
        raise _Broken
    return Signature(tuple(tensor for tensor in inputs if tensor.name not in weights), tuple(outputs))


def _external(data: mmap.mmap, graph: _Field, depth: int) -> bool:
    """Whether a weight of this graph, or of a graph inside it, has data_location EXTERNAL."""
    if depth > _MAX_DEPTH:
        raise _Broken
    for field in _fields(data, graph.start, graph.end):
        if field.number == 5 and _is_external(data, field):
            return True
        if field.number == 1:
            for attribute in _fields(data, field.start, field.end):
                if attribute.number == 5 and _external_in_attribute(data, attribute, depth):
                    return True
    return False


def _external_in_attribute(data: mmap.mmap, attribute: _Field, depth: int) -> bool:
    if attribute.wire != _BYTES:
        raise _Broken
    for field in _fields(data, attribute.start, attribute.end):
        if field.number in (5, 10) and _is_external(data, field):
            return True
        if field.number in (6, 11) and _external(data, field, depth + 1):
            return True
    return False


def _is_external(data: mmap.mmap, tensor: _Field) -> bool:
    location = _only(data, tensor, 14)
    return location is not None and location.value == _EXTERNAL


def _tensor(data: mmap.mmap, info: _Field, path: Path) -> Tensor:
    name = _text(data, _only(data, info, 1))
    kind = _only(data, info, 2)
    tensor = None if kind is None else _only(data, kind, 1)
    if tensor is None:
        raise InputError(f"{path}: {name} is not a tensor; edgekit runs models whose inputs and outputs are tensors")
    element = _only(data, tensor, 1)
    dtype = None if element is None else _DTYPES.get(element.value)
    if dtype is None:
        raise InputError(f"{path}: {name} holds a type that numpy does not have; convert it to numbers in the model")
    shape = _only(data, tensor, 2)
    dims = [] if shape is None else [dim for dim in _fields(data, shape.start, shape.end) if dim.number == 1]
    return Tensor(name=name, dtype=dtype, shape=tuple(_dim(data, dim, name, axis) for axis, dim in enumerate(dims)))


def _dim(data: mmap.mmap, dim: _Field, name: str, axis: int) -> int | str:
    size = _only(data, dim, 1)
    if size is not None and 0 < size.value < 1 << 63:
        return size.value
    symbol = _only(data, dim, 2)
    text = _text(data, symbol) if symbol is not None else ""
    return f"{name}_{axis}" if text in _NAMELESS else text


def _only(data: mmap.mmap, message: _Field, number: int) -> _Field | None:
    """The field with that number inside a message (the last one, as the encoding says), or nothing."""
    if message.wire != _BYTES:
        raise _Broken
    found = None
    for field in _fields(data, message.start, message.end):
        if field.number == number:
            found = field
    return found


def _text(data: mmap.mmap, field: _Field | None) -> str:
    if field is None:
        return ""
    if field.wire != _BYTES:
        raise _Broken
    return data[field.start : field.end].decode("utf-8")


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[_Field]:
    position = start
    while position < end:
        key, position = _varint(data, position, end)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise _Broken
        if wire == _VARINT:
            value, position = _varint(data, position, end)
            yield _Field(number, wire, value, position, position)
            continue
        if wire == _BYTES:
            size, position = _varint(data, position, end)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise _Broken
        if size > end - position:
            raise _Broken
        yield _Field(number, wire, 0, position, position + size)
        position += size


def _varint(data: mmap.mmap, position: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            raise _Broken
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _Broken
