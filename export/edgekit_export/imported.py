"""Taking in ``.onnx`` files that a team already has: without torch, best with the onnx package.

Each file runs in a child process before it becomes part of a bundle. Its own outputs there become its golden vectors,
so every target it is profiled on later, and every file that is made of it, is held against this run. The file itself
goes in with its bytes unchanged, unless ``--set-input`` turns one of its inputs into a constant.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgekit_export import shapes as sizes
from edgekit_export.carried_states import find_states
from edgekit_export.imported_write import Incoming, Written, write
from edgekit_export.manifests import new_manifest
from edgekit_export.quantize.contract import PORTABLE
from edgekit_export.shapes import Shape
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.contract import Agent
from edgekit_targets.agent.protocol import Welcome
from edgekit_targets.bundle import MANIFEST, write_manifest
from edgekit_targets.errors import CheckFailed, InputError, MissingExtra
from edgekit_targets.files import check_free, staged_folder
from edgekit_targets.progress import Progress
from edgekit_targets.runtimes.onnx_file import read_signature
from edgekit_targets.runtimes.packages import present
from edgekit_targets.types.manifest import Artifact, Manifest, Mode, Precision, Tensor

_MAX_BYTES: Final = 2 * 1000**3
_TARGETS: Final = ("cpu", "openvino")


@dataclass(frozen=True, kw_only=True)
class Taking:
    """How files are taken in.

    ``shapes`` are ``--shape`` values, ``constants`` those of ``--set-input``, ``states`` the pairs of ``--state``, by
    input name, for every file that has that input. ``modes`` None means stream for a file with states, window for any
    other. ``precisions`` other than fp32 are made of fp32 files, for processors of ``isa``.
    """

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    modes: tuple[Mode, ...] | None = None
    precisions: tuple[Precision, ...] = ("fp32",)
    isa: str = PORTABLE


def take_in(files: Sequence[Path], out: Path, how: Taking, *, force: bool, progress: Progress) -> Manifest:
    """Make a bundle of ``.onnx`` files at ``out``.

    Args:
        files: at least one; each becomes a family named by its stem.
        out: the bundle's folder.
        how: shapes, states, constants, modes and precisions.
        force: replace a bundle that is there.
        progress: called once a file.

    Raises:
        InputError: a file that is missing, no ONNX, truncated, too large or not self-contained, or does not run; a
            shape, state or constant that fits no file; an ``out`` that is taken. Nothing is left behind.
        MissingExtra: no runtime is installed, or ``--set-input`` without the onnx package.
        CheckFailed: no artifact could be written.
    """
    check_free(out, force=force, marker=MANIFEST)
    incoming = look_at(files, how)
    with (
        staged_folder(out, force=force, marker=MANIFEST) as bundle,
        tempfile.TemporaryDirectory(prefix="edgekit-") as scratch,
        LocalAgent() as agent,
    ):
        target = usable_targets(agent.hello())[0]
        artifacts, dropped = write_all(
            incoming, how, agent=agent, target=target, bundle=bundle, scratch=Path(scratch), progress=progress
        )
        if not artifacts:
            raise CheckFailed(f"no artifact could be written: {'; '.join(dropped)}")
        settings = {
            "models": [item.path.name for item in incoming],
            "shapes": {name: list(shape) for name, shape in how.shapes.items()},
            "set_inputs": dict(how.constants),
            "states": dict(how.states),
        }
        manifest = new_manifest(artifacts=artifacts, dropped=dropped, settings=settings)
        write_manifest(bundle, manifest)
    return manifest


def look_at(
    files: Sequence[Path], how: Taking, others: Sequence[str] = (), taken: Sequence[str] = ()
) -> list[Incoming]:
    """Check all files and settle all shapes without running anything.

    ``others`` are inputs of other models, ``taken`` their families.

    Raises:
        InputError: as :func:`take_in`.
        MissingExtra: likewise.
    """
    signatures = []
    for file in files:
        if file.is_file() and file.stat().st_size > _MAX_BYTES:
            raise InputError(f"{file} is larger than 2 GB, the limit of one ONNX file; pass a smaller model")
        signature = read_signature(file)
        if not signature.inputs:
            raise InputError(f"{file} has no inputs, so there is nothing to measure; pass a model that takes some")
        signatures.append((file, signature))
    sizes.check_names([(file, signature.inputs) for file, signature in signatures], how.shapes, others)
    known = dict.fromkeys(tensor.name for _, signature in signatures for tensor in signature.inputs)
    for option, names in (("--set-input", how.constants), ("--state", how.states)):
        for name in names:
            if name not in known:
                there = f"inputs are {', '.join(known)}" if known else "it is for .onnx files only"
                raise InputError(f"{option} {name}={names[name]}: no file has an input {name}; {there}")
    if how.constants and not present("onnx"):
        raise MissingExtra("onnx, which --set-input needs,", "export")
    incoming: list[Incoming] = []
    for file, signature in signatures:
        constants = {t.name: _constant(file, t, how) for t in signature.inputs if t.name in how.constants}
        inputs = tuple(tensor for tensor in signature.inputs if tensor.name not in constants)
        if not inputs:
            raise InputError(f"--set-input leaves no input of {file} to be fed; keep at least one")
        states = find_states(file, inputs, signature.outputs, how.states, how.shapes)
        run = {state.input: state.shape for state in states}
        resolved, note = sizes.resolve(
            file, [replace(tensor, shape=run.get(tensor.name, tensor.shape)) for tensor in inputs], how.shapes
        )
        modes = how.modes or (("stream",) if states else ("window",))
        told = [f"{state.input} to {state.output}" for state in states]
        incoming.append(
            Incoming(
                path=file,
                family=family_name(file.stem, [*taken, *(item.family for item in incoming)]),
                inputs=inputs,
                outputs=signature.outputs,
                constants=constants,
                states=states,
                modes=modes,
                shapes=resolved,
                notes=tuple(filter(None, (note, f"states of {file.name} taken: {', '.join(told)}" if told else None))),
            )
        )
    return incoming


def _constant(file: Path, tensor: Tensor, how: Taking) -> NDArray[np.generic]:
    """The value of ``--set-input`` in every place of that input."""
    text = how.constants[tensor.name]
    option = f"--set-input {tensor.name}={text}"
    words = {"true": 1.0, "false": 0.0}
    try:
        values = [
            words[part.strip().lower()] if part.strip().lower() in words else float(part) for part in text.split(",")
        ]
    except ValueError as error:
        raise InputError(f"{option}: give a number, or numbers with commas between them") from error
    if not tensor.dtype.startswith("float") and any(value != int(value) for value in values if np.isfinite(value)):
        raise InputError(f"{option}: {file.name} takes {tensor.dtype} there; give whole numbers")
    shape = how.shapes.get(tensor.name, tuple(size if isinstance(size, int) else 1 for size in tensor.shape))
    if len(values) == 1:
        return np.full(shape, values[0]).astype(tensor.dtype)
    flexible = tuple(len(values) if isinstance(size, str) else size for size in tensor.shape)
    try:
        return np.array(values).astype(tensor.dtype).reshape(flexible)
    except ValueError as error:
        raise InputError(
            f"{option}: {file.name} declares {sizes.as_text(tensor.shape)} there; give one number"
        ) from error


def usable_targets(welcome: Welcome) -> list[str]:
    """Where files can be tried, the first choice first: ONNX Runtime, OpenVINO. At least one.

    Raises:
        MissingExtra: neither is installed.
        InputError: what is installed cannot run.
    """
    statuses = {status.name: status for status in welcome.targets if status.name in _TARGETS}
    usable: list[str] = [name for name in _TARGETS if name in statuses and statuses[name].available]
    if usable:
        return usable
    if not any(map(present, ("onnxruntime", "openvino"))):
        raise MissingExtra("a runtime", "cpu")
    reasons = "; ".join(f"{name}: {status.reason}" for name, status in statuses.items())
    raise InputError(f"no runtime can run here ({reasons}); see: edgekit targets")


def write_all(
    incoming: Sequence[Incoming],
    how: Taking,
    *,
    agent: Agent,
    target: str,
    bundle: Path,
    scratch: Path,
    progress: Progress,
) -> tuple[list[Artifact], list[str]]:
    """Write the files and what is made of them into ``bundle``; with one line for everything that is not there.

    Raises:
        InputError: a file does not load, or does not run at its shapes.
        AgentFailed: the process that ran it died.
    """
    written = Written()
    for done, item in enumerate(incoming):
        progress("take in", done, len(incoming))
        for mode in dict.fromkeys(item.modes):
            found = write(
                item, mode, how.precisions, how.isa, agent=agent, target=target, bundle=bundle, scratch=scratch
            )
            written.artifacts += found.artifacts
            written.dropped += found.dropped
    if incoming:
        progress("take in", len(incoming), len(incoming))
    return written.artifacts, written.dropped


def family_name(stem: str, taken: Sequence[str]) -> str:
    """``stem``, safe in a file name; a number tells equal ones apart."""
    stem = re.sub(r"[^a-z0-9_]+", "-", stem.lower()).strip("-_") or "model"
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    return name
