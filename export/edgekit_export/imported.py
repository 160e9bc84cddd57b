"""Taking in ``.onnx`` files that a team already has: their bytes unchanged, without torch, best with the onnx package.

Each file runs in a child process before it becomes part of a bundle. Its own outputs there become its golden vectors,
so every target it is profiled on later is held against this run.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgekit_export import shapes as sizes
from edgekit_export.graph.origin import UNKNOWN, Origin, read_origin
from edgekit_export.manifests import new_manifest
from edgekit_export.shapes import Shape
from edgekit_export.verify.child import Child
from edgekit_export.verify.golden import SAMPLES, write_golden
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.contract import Agent
from edgekit_targets.agent.protocol import Welcome
from edgekit_targets.bundle import MANIFEST, write_manifest
from edgekit_targets.errors import AgentFailed, InputError, MissingExtra
from edgekit_targets.files import check_free, sha256_of, staged_folder, write_atomic
from edgekit_targets.progress import Progress
from edgekit_targets.runtimes.onnx_file import read_signature
from edgekit_targets.runtimes.packages import present
from edgekit_targets.types.manifest import Artifact, Manifest, Parity, Tensor

Arrays = dict[str, NDArray[np.generic]]
_MAX_BYTES: Final = 2 * 1000**3
_TARGETS: Final = ("cpu", "openvino")
# How far another target may be from the file's own first run, as a share of max(1, largest output). Wider than for
# edgekit's own artifacts: nothing is known about depth or scale here, and integer files differ between processors.
_TOLERANCE: Final = {"fp32": 1e-4, "fp16": 1e-2}
_INTEGER_TOLERANCE: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """One file that was looked at and can be tried: where, under which family name, at which shapes."""

    path: Path
    family: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    shapes: Mapping[str, Shape]
    note: str | None


def take_in(
    files: Sequence[Path], out: Path, *, shapes: Mapping[str, Shape], force: bool, progress: Progress
) -> Manifest:
    """Make a bundle of ``.onnx`` files at ``out``.

    Args:
        files: at least one; each becomes a family named by its stem.
        out: the bundle's folder.
        shapes: ``--shape`` values by input name, for every file that has that input.
        force: replace a bundle that is there.
        progress: called once a file.

    Raises:
        InputError: a file that is missing, no ONNX, truncated, too large or not self-contained, or does not run; a
            shape that fits no file; an ``out`` that is taken. Nothing is left behind.
        MissingExtra: no runtime is installed.
    """
    check_free(out, force=force, marker=MANIFEST)
    incoming = look_at(files, shapes)
    with (
        staged_folder(out, force=force, marker=MANIFEST) as bundle,
        tempfile.TemporaryDirectory(prefix="edgekit-") as scratch,
        LocalAgent() as agent,
    ):
        target = usable_targets(agent.hello())[0]
        artifacts = write_all(
            incoming, agent=agent, target=target, bundle=bundle, scratch=Path(scratch), progress=progress
        )
        settings = {
            "models": [item.path.name for item in incoming],
            "shapes": {name: list(shape) for name, shape in shapes.items()},
        }
        manifest = new_manifest(artifacts=artifacts, settings=settings)
        write_manifest(bundle, manifest)
    return manifest


def look_at(
    files: Sequence[Path], shapes: Mapping[str, Shape], others: Sequence[str] = (), taken: Sequence[str] = ()
) -> list[Incoming]:
    """Check all files and settle all shapes without running anything.

    ``others`` are inputs of other models, ``taken`` their families.

    Raises:
        InputError: as :func:`take_in`.
    """
    signatures = []
    for file in files:
        if file.is_file() and file.stat().st_size > _MAX_BYTES:
            raise InputError(f"{file} is larger than 2 GB, the limit of one ONNX file; pass a smaller model")
        signature = read_signature(file)
        if not signature.inputs:
            raise InputError(f"{file} has no inputs, so there is nothing to measure; pass a model that takes some")
        signatures.append((file, signature))
    sizes.check_names([(file, signature.inputs) for file, signature in signatures], shapes, others)
    incoming: list[Incoming] = []
    for file, signature in signatures:
        resolved, note = sizes.resolve(file, signature.inputs, shapes)
        incoming.append(
            Incoming(
                path=file,
                family=family_name(file.stem, [*taken, *(item.family for item in incoming)]),
                inputs=signature.inputs,
                outputs=signature.outputs,
                shapes=resolved,
                note=note,
            )
        )
    return incoming


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
    incoming: Sequence[Incoming], *, agent: Agent, target: str, bundle: Path, scratch: Path, progress: Progress
) -> list[Artifact]:
    """Copy the files into ``bundle``, run each in a child, write what it answered as its golden vectors.

    Raises:
        InputError: a file does not load, or does not run at its shapes.
        AgentFailed: the process that ran it died.
    """
    artifacts = []
    for done, item in enumerate(incoming):
        progress("take in", done, len(incoming))
        artifacts.append(_write(item, agent, target, bundle, scratch))
    if incoming:
        progress("take in", len(incoming), len(incoming))
    return artifacts


def _write(item: Incoming, agent: Agent, target: str, bundle: Path, scratch: Path) -> Artifact:
    # One read: what is hashed, parsed, run and shipped is the same bytes.
    content = item.path.read_bytes()
    origin = read_origin(content, item.path) if present("onnx") else UNKNOWN
    isa = "portable" if origin.precision in ("fp32", "fp16") else "unknown"
    name = "-".join((item.family, "window", origin.precision or "unknown", isa, "plain"))
    path = bundle / f"{name}.onnx"
    write_atomic(path, content)
    notes = [item.note] if item.note is not None else []
    notes += origin.notes
    inputs, outputs = _try(item, path, agent, target, scratch, notes)
    parity = None
    if outputs:
        write_golden(bundle / "golden" / f"{name}.npz", inputs, outputs)
        parity = _parity(origin, outputs)
    return Artifact(
        id=name,
        file=path.name,
        sha256=sha256_of(path),
        size_bytes=len(content),
        family=item.family,
        mode="window",
        precision=origin.precision,
        isa=isa,
        variant="plain",
        weights="imported",
        parameters=origin.parameters,
        opset=origin.opset,
        ir_version=origin.ir_version,
        min_onnxruntime=origin.min_onnxruntime,
        inputs=tuple(_recorded(tensor, item.shapes[tensor.name], free=bool(outputs)) for tensor in item.inputs),
        outputs=item.outputs,
        states=(),
        parity=parity,
        quantized=origin.quantized,
        accuracy=None,
        accuracy_validation=None,
        example=_example(item),
        notes=tuple(notes),
    )


def _try(
    item: Incoming, path: Path, agent: Agent, target: str, scratch: Path, notes: list[str]
) -> tuple[Arrays, Arrays]:
    """Golden inputs and outputs; none, with a note, where samples cannot be told apart or outputs are not finite."""
    try:
        with Child(agent, path, shapes=item.shapes, scratch=scratch, target=target) as child:
            feeds, whole = golden_inputs(item.inputs, item.shapes)
            if not feeds:
                notes.append("no golden vectors: the inputs do not share a first axis that counts samples")
                return {}, {}
            if any(not output.shape for output in item.outputs):
                notes.append("no golden vectors: an output has no first axis that counts samples")
                return {}, {}
            answers = child.run(feeds, whole=whole)
    except AgentFailed as error:
        raise AgentFailed(f"{item.path.name}: {_plain(error, path, item)}") from error
    except InputError as error:
        tried = sizes.as_options(item.shapes)
        raise InputError(f"{_plain(error, path, item)} (tried with {tried}; change it with --shape)") from error
    if any(value.dtype.kind == "f" and not np.isfinite(value).all() for value in answers.values()):
        notes.append("no golden vectors: random inputs gave NaN or infinity")
        return {}, {}
    return feeds, answers


def golden_inputs(inputs: Sequence[Tensor], shapes: Mapping[str, Shape]) -> tuple[Arrays, bool]:
    """Seeded inputs, and whether they are fed as a whole.

    Where the first axis of every input is free or 1, eight samples are stacked along it and fed one by one. Where a
    file fixes it to something else (a fixed batch), all inputs must share that size: one feed holds that many samples.

    Returns:
        The arrays by input name; empty where the first axes do not agree.
    """
    fixed = {tensor.shape[0] if tensor.shape else 0 for tensor in inputs} - {1}
    fixed = {size for size in fixed if isinstance(size, int)}
    if len(fixed) > 1 or 0 in fixed:
        return {}, False
    whole = bool(fixed)
    if whole and any(not isinstance(tensor.shape[0], int) and shapes[tensor.name][0] not in fixed for tensor in inputs):
        return {}, False
    if whole and any(tensor.shape[0] == 1 for tensor in inputs):
        return {}, False
    generator = np.random.default_rng(0)
    feeds: Arrays = {}
    for tensor in inputs:
        shape = shapes[tensor.name]
        feeds[tensor.name] = _draw(generator, tensor.dtype, shape if whole else (SAMPLES, *shape[1:]))
    return feeds, whole


def _draw(generator: np.random.Generator, dtype: str, shape: Shape) -> NDArray[np.generic]:
    """Standard normal floats; whole numbers 0 and 1, which are valid indices of anything; both truth values."""
    if dtype.startswith("float"):
        return generator.standard_normal(shape).astype(dtype)
    return generator.integers(0, 2, shape).astype(dtype)


def _parity(origin: Origin, outputs: Arrays) -> Parity:
    """Bounds for later runs elsewhere; the file is its own reference, so its error is 0."""
    largest = max(float(np.abs(value.astype(np.float64)).max(initial=0.0)) for value in outputs.values())
    share = _TOLERANCE["fp32"] if origin.precision is None else _TOLERANCE.get(origin.precision, _INTEGER_TOLERANCE)
    return Parity(
        reference="itself", tolerance=share * max(1.0, largest), max_abs_error=0.0, relative_error=0.0, points=()
    )


def _recorded(tensor: Tensor, shape: Shape, *, free: bool) -> Tensor:
    """The input as the manifest has it.

    The house takes a free first axis for the batch. Where it is something else here (``[length, batch, features]``),
    or no golden inputs say how long the other axes are, the sizes that were run stand in the manifest as fixed.
    """
    if free and (not shape or isinstance(tensor.shape[0], int) or shape[0] == 1):
        return tensor
    return Tensor(name=tensor.name, dtype=tensor.dtype, shape=shape)


def _example(item: Incoming) -> tuple[int, int]:
    """(batch, length) of what is run: of the first input with more than a batch and features."""
    shape = next((shape for shape in item.shapes.values() if len(shape) >= 2), next(iter(item.shapes.values())))
    return (shape[0] if shape else 1, shape[1] if len(shape) >= 3 else 1)


def family_name(stem: str, taken: Sequence[str]) -> str:
    """``stem``, safe in a file name; a number tells equal ones apart."""
    stem = re.sub(r"[^a-z0-9_]+", "-", stem.lower()).strip("-_") or "model"
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    return name


def _plain(error: Exception, path: Path, item: Incoming) -> str:
    """The message with the user's own path in place of the copy's."""
    return str(error).replace(str(path.absolute()), str(item.path)).replace(path.name, item.path.name)
