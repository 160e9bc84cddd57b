"""``model.h``: what an application in C needs to know of a release before it has opened it.

Names, types, shapes, carried states with their initial values, the session options that were measured, labels and
units. ``EDGEKIT_CONTRACT`` is the same for two releases that an application need not be compiled anew between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from edgekit_targets.records import dumps
from edgekit_targets.releases.format import Port, Release
from edgekit_targets.types.manifest import State

_TYPES = {
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "uint16": 4,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "float16": 10,
    "float64": 11,
    "uint32": 12,
    "uint64": 13,
}
"""ONNXTensorElementDataType of onnxruntime_c_api.h."""
_MOST_AXES = 8
_NO_TENSOR = "{NULL, 0, 0, {0}, NULL}"
_NOTHING = {
    "EdgekitTensor": _NO_TENSOR,
    "EdgekitState": f"{{{_NO_TENSOR}, NULL, 0.0}}",
    "EdgekitDimension": "{NULL, 0}",
    "char *const": "NULL",
}
_DECLARATIONS = f"""\
enum {{ EDGEKIT_MAX_RANK = {_MOST_AXES} }};

/* A tensor; type is an ONNXTensorElementDataType, a size of 0 in shape is not known beforehand, unit may be NULL. */
typedef struct {{
  const char *name;
  int type;
  size_t rank;
  int64_t shape[EDGEKIT_MAX_RANK];
  const char *unit;
}} EdgekitTensor;

/* Feed the output back as the input; to reset, fill the input with the initial value. */
typedef struct {{
  EdgekitTensor input;
  const char *output;
  double initial;
}} EdgekitState;

/* A free dimension and the size it had when the model was measured. */
typedef struct {{
  const char *name;
  int64_t size;
}} EdgekitDimension;
"""


def header(release: Release) -> str:
    """The text of ``model.h``."""
    options = release.session.options
    sizes = free_sizes(release)
    carried = {state.input: state for state in release.states}
    fed = [port for port in release.inputs if port.name not in carried]
    written = {state.output for state in release.states}
    given = [port for port in release.outputs if port.name not in written]
    macros: list[tuple[str, str]] = [
        ("EDGEKIT_NAME", _text(release.name)),
        ("EDGEKIT_COUNTER", f"{release.counter}"),
        ("EDGEKIT_ARTIFACT", _text(release.artifact)),
        ("EDGEKIT_SHA256", _text(release.sha256)),
        ("EDGEKIT_CONTRACT", _text(contract(release))),
        ("EDGEKIT_STREAM", str(int(release.mode == "stream"))),
        ("EDGEKIT_TARGET", _text(release.session.target)),
        ("EDGEKIT_THREADS", str(options.threads)),
        ("EDGEKIT_SPINNING", str(int(options.spinning))),
        ("EDGEKIT_ARENA", str(int(options.arena))),
        ("EDGEKIT_FIXED_SHAPES", str(int(options.fixed_shapes))),
        ("EDGEKIT_EVERY_SECONDS", f"{release.every_seconds or 0.0!r}"),
        ("EDGEKIT_NORMALISATION", _text(release.normalisation)),
        ("EDGEKIT_RESET", _text(release.reset)),
    ]
    return "\n".join(
        [
            "/* Made by edgekit from a signed release; do not edit. */",
            "#ifndef EDGEKIT_MODEL_H",
            "#define EDGEKIT_MODEL_H",
            "",
            "#include <stddef.h>",
            "#include <stdint.h>",
            "",
            *(f"#define {name} {value}" for name, value in macros),
            "",
            _DECLARATIONS,
            *_array("EdgekitTensor", "inputs", [_tensor(port, sizes) for port in fed]),
            *_array("EdgekitTensor", "outputs", [_tensor(port, sizes) for port in given]),
            *_array("EdgekitState", "states", [_state(one, release.inputs, sizes) for one in release.states]),
            *_array("EdgekitDimension", "dimensions", [f"{{{_text(one)}, {size}}}" for one, size in sizes.items()]),
            *_array("char *const", "labels", [_text(label) for label in release.labels]),
            "#endif",
            "",
        ]
    )


def contract(release: Release) -> str:
    """A digest of what an application relies on: everything but which weights these are and how sure one is of them."""
    relied = {
        "inputs": release.inputs,
        "outputs": release.outputs,
        "states": release.states,
        "mode": release.mode,
        "labels": release.labels,
        "normalisation": release.normalisation,
        "session": [release.session.target, release.session.options, release.session.shapes],
        "every_seconds": release.every_seconds,
    }
    return hashlib.sha256(dumps(relied).encode()).hexdigest()[:16]


def free_sizes(release: Release) -> dict[str, int]:
    """The size of every free dimension of the inputs at the shapes that were measured."""
    return {
        axis: size
        for port in release.inputs
        for axis, size in zip(port.shape, release.session.shapes.get(port.name, ()), strict=False)
        if isinstance(axis, str)
    }


def _array(kind: str, name: str, rows: Sequence[str]) -> list[str]:
    """A constant array and its length; C has no empty arrays, so one that is empty has an entry of zeros."""
    count = f"enum {{ EDGEKIT_{name.upper()} = {len(rows)} }};"
    body = ",\n".join(f"  {row}" for row in rows or [_NOTHING[kind]])
    return [count, f"static const {kind} edgekit_{name}[] = {{\n{body}}};", ""]


def _tensor(port: Port, sizes: Mapping[str, int]) -> str:
    shape = [axis if isinstance(axis, int) else sizes.get(axis, 0) for axis in port.shape]
    listed = ", ".join(map(str, shape)) or "0"
    unit = "NULL" if port.unit is None else _text(port.unit)
    return f"{{{_text(port.name)}, {_TYPES[port.dtype]}, {len(shape)}, {{{listed}}}, {unit}}}"


def _state(state: State, inputs: Sequence[Port], sizes: Mapping[str, int]) -> str:
    port = next(port for port in inputs if port.name == state.input)
    return f"{{{_tensor(port, sizes)}, {_text(state.output)}, {float(state.initial)!r}}}"


def _text(value: str) -> str:
    """A C string literal: printable ASCII as it is, every other byte in octal, which no digit after it can lengthen."""
    shown = (
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in value.encode("utf-8")
    )
    return f'"{"".join(shown)}"'
