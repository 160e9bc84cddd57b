"""A release: a folder of real files, and ``release.json``, schema version 1, which says how to use them.

    model.onnx              the bytes that were measured
    release.json            this module's :class:`Release`
    golden.npz              inputs and the answers they must give
    evidence/profile.json   the measurements of exactly this file; null only where ``--force`` did without
    evidence/verdict.json   the verdict it was picked by; null where none was asked for
    model.h                 the same facts for C
    model.sig               the signature over every file above

Nothing else may lie in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from edgekit_targets.bundle import check_version
from edgekit_targets.errors import InputError
from edgekit_targets.records import loads, parse
from edgekit_targets.types.manifest import Mode, Parity, Precision, State
from edgekit_targets.types.session import SessionOptions

SCHEMA_VERSION: Final = 1
MODEL, MANIFEST, GOLDEN, HEADER, SIGNATURE = "model.onnx", "release.json", "golden.npz", "model.h", "model.sig"
PROFILE, VERDICT = "evidence/profile.json", "evidence/verdict.json"
FOLDERS: Final = ("evidence",)
_MIB = 1 << 20
MOST_BYTES: Final = {
    MODEL: (1 << 31) - 1,  # what one protocol-buffers message can hold
    MANIFEST: _MIB,
    GOLDEN: 256 * _MIB,
    PROFILE: 64 * _MIB,
    VERDICT: 16 * _MIB,
    HEADER: 4 * _MIB,
    SIGNATURE: _MIB,
}
"""Every file of a release and the most it may hold; what is larger is none of edgekit's."""
FILES: Final = tuple(MOST_BYTES)
SIGNED: Final = tuple(name for name in FILES if name != SIGNATURE)
LARGEST_COUNTER: Final = (1 << 53) - 1
"""What every JSON reader holds exactly."""
ANY: Final = "any"
DEFAULT_NAME: Final = "model"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]|\.(?!\.)){0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,5}){1,3}")
_ARCHITECTURE_OF = {"avx2": "x86_64", "vnni": "x86_64", "arm-dotprod": "aarch64"}
_LONGEST_AXIS = 1 << 31
Normalisation = Literal["in the graph", "the model's own"]


@dataclass(frozen=True, kw_only=True)
class Port:
    """An input or output: a dimension that varies is its name; ``unit`` is null where nobody said it."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    unit: str | None


@dataclass(frozen=True, kw_only=True)
class Session:
    """How the model was run when it was measured, and is to be run: target, options and the shapes of its inputs.

    ``shapes`` are those of every input that is not carried, at this ``batch`` and ``length``. ``runtime_version`` is
    null where nothing was measured.
    """

    target: str
    options: SessionOptions
    batch: int
    length: int
    shapes: dict[str, tuple[int, ...]]
    runtime_version: str | None


@dataclass(frozen=True, kw_only=True)
class Golden:
    """``golden.npz``: ``input.<name>`` and ``output.<name>``; ``tolerance`` bounds the absolute error on the device."""

    tolerance: float
    mode: Mode


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the budget allows on the device; null where it says nothing.

    ``memory_bytes`` is what the model adds to a process that has imported the runtime, ``process_memory_bytes`` the
    whole process; ``p99_seconds`` holds at the pace.
    """

    p99_seconds: float | None
    memory_bytes: float | None
    process_memory_bytes: float | None


@dataclass(frozen=True, kw_only=True)
class Release:
    """``release.json``."""

    schema_version: int
    name: str
    """Of the application's model; a folder of this name holds its releases on a device."""
    counter: int
    """Grows from release to release; a device refuses to go back."""
    created: str
    edgekit_version: str
    artifact: str
    family: str
    mode: Mode
    precision: Precision | None
    isa: str
    sha256: str
    size_bytes: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    normalisation: Normalisation
    """``in the graph``: raw values go in. ``the model's own``: what it was trained on, which edgekit does not know."""
    states: tuple[State, ...]
    reset: str
    """How a stream is started anew, in words; of a window that nothing is carried."""
    labels: tuple[str, ...]
    """Of the classes, in the order of the output; empty where there are none."""
    session: Session
    every_seconds: float | None
    """The pace it was measured at; null for a closed loop."""
    golden: Golden
    limits: Limits
    architectures: tuple[str, ...]
    """Machines it may run on, as the kernel names them, or ``any``."""
    min_onnxruntime: str | None
    parity: Parity | None
    forced: tuple[str, ...] = ()
    """What ``--force`` overrode, in words."""


def parse_release(content: bytes, where: str) -> Release:
    """Read ``release.json`` as untrusted input.

    Raises:
        InputError: truncated, edited into something else, of a newer edgekit, or with values that cannot be; the
            message begins with ``where`` and names the field.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{where} is not UTF-8 text; it is no release") from error
    data = loads(text, where)
    check_version(data, SCHEMA_VERSION, where)
    release = parse(Release, data, where)
    wrong = _wrong(release)
    if wrong is not None:
        raise InputError(f"{where}: {wrong}")
    return release


def check_name(name: str, where: str) -> str:
    """A release's name, which is a folder's on the device.

    Raises:
        InputError: it is none; ``where`` is the option or field.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{where} {name[:80]!r} must be 1 to 63 of a-z, 0-9, '-', '_' and single '.', e.g. keyword-v2")
    return name


def release_id(counter: int, digests: Mapping[str, str]) -> str:
    """The folder of a release on a device: its counter and the beginning of a digest of what is signed.

    ``digests`` has the SHA-256 of every signed file. The digest is that of their list as ``sha256sum`` prints it, by
    name; the bytes of ``model.sig`` are no part of it, since anybody can write the same signature in another way.
    """
    listed = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return f"{counter}-{hashlib.sha256(listed.encode('utf-8')).hexdigest()[:12]}"


def is_copy(folder: str, identity: str) -> bool:
    """Whether a folder of a device is named as that release; one in the place of a damaged copy has a number too."""
    return re.fullmatch(rf"{re.escape(identity)}(-[0-9]{{1,4}})?", folder) is not None


def architectures_of(isa: str) -> tuple[str, ...]:
    """The machines that a file for this instruction set may run on."""
    return (_ARCHITECTURE_OF[isa],) if isa in _ARCHITECTURE_OF else (ANY,)


def _wrong(release: Release) -> str | None:
    """The first field that holds what cannot be."""
    check_name(release.name, "release.json: name")
    ports = [*release.inputs, *release.outputs]
    positive = {
        "golden.tolerance": release.golden.tolerance,
        "every_seconds": release.every_seconds,
        "limits.p99_seconds": release.limits.p99_seconds,
        "limits.memory_bytes": release.limits.memory_bytes,
        "limits.process_memory_bytes": release.limits.process_memory_bytes,
    }
    shapes = [port.shape for port in ports] + [state.shape for state in release.states]
    states = {(state.input, state.output) for state in release.states}
    inputs, outputs = {port.name for port in release.inputs}, {port.name for port in release.outputs}
    fed = inputs - {state.input for state in release.states}
    checks = {
        "counter must be from 1 to 2^53 - 1": 1 <= release.counter <= LARGEST_COUNTER,
        "sha256 is no SHA-256": _SHA256.fullmatch(release.sha256) is not None,
        "size_bytes must be positive": 0 < release.size_bytes <= MOST_BYTES[MODEL],
        "inputs and outputs must be named, each once": all(port.name for port in ports)
        and len(inputs) == len(release.inputs)
        and len(outputs) == len(release.outputs) > 0,
        "a dimension must be a name or from 1 to 2^31": all(_is_axis(axis) for shape in shapes for axis in shape),
        "states name inputs and outputs that are not there": len(states) == len(release.states)
        and all(one in inputs and other in outputs for one, other in states),
        "session.shapes must give a shape to every input that is fed": set(release.session.shapes) == fed
        and all(1 <= axis < _LONGEST_AXIS for shape in release.session.shapes.values() for axis in shape),
        "session.batch and session.length must be positive": min(release.session.batch, release.session.length) > 0,
        "session.options.threads must be positive": release.session.options.threads > 0,
        "architectures must name one at least": bool(release.architectures) and all(release.architectures),
        "min_onnxruntime is no version": release.min_onnxruntime is None
        or _VERSION.fullmatch(release.min_onnxruntime) is not None,
        "golden.mode must be that of the release": release.golden.mode == release.mode,
    }
    wrong = [text for text, right in checks.items() if not right]
    wrong += [f"{name} must be positive" for name, value in positive.items() if value is not None and value <= 0]
    return wrong[0] if wrong else None


def _is_axis(axis: int | str) -> bool:
    return bool(axis) if isinstance(axis, str) else 1 <= axis < _LONGEST_AXIS
