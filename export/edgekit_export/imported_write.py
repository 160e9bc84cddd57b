"""One file from elsewhere in one mode: run, kept as it is, and made into the precisions that were asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from edgekit_export import shapes as sizes
from edgekit_export.graph.constant_inputs import folded, parse, with_constants
from edgekit_export.graph.origin import UNKNOWN, Origin, origin_of
from edgekit_export.quantize import find as find_precision
from edgekit_export.quantize.contract import Converted, Refused
from edgekit_export.shapes import Shape
from edgekit_export.verify.child import Child
from edgekit_export.verify.golden import SAMPLES, write_golden
from edgekit_targets.agent.contract import Agent
from edgekit_targets.errors import AgentFailed, InputError
from edgekit_targets.files import sha256_of, write_atomic
from edgekit_targets.runtimes.packages import present
from edgekit_targets.types.manifest import Artifact, Mode, Parity, Precision, Quantized, State, Tensor

if TYPE_CHECKING:
    from onnx import ModelProto

Arrays = dict[str, NDArray[np.generic]]
# How far another target may be from the file's own first run, as a share of max(1, largest output). Wider than for
# edgekit's own artifacts: nothing is known about depth or scale here, and integer files differ between processors.
_TOLERANCE: Final = {"fp32": 1e-4, "fp16": 1e-2}
_INTEGER_TOLERANCE: Final = 0.05
_STEPS: Final = 16
"""Steps of each golden sequence of a stream."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Incoming:
    """One file that was looked at and can be tried: where, under which family name, at which shapes.

    ``constants`` are inputs that are set once and for all; ``inputs`` are the others, ``states`` among them.
    """

    path: Path
    family: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    constants: Mapping[str, NDArray[np.generic]]
    states: tuple[State, ...]
    modes: tuple[Mode, ...]
    shapes: Mapping[str, Shape]
    notes: tuple[str, ...]


@dataclass(kw_only=True)
class Written:
    """The artifacts of a file, and one line for each that was asked for and is not there."""

    artifacts: list[Artifact] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Golden:
    """What the file was fed and answered; ``whole`` says that it was one feed. ``notes`` say why there is none."""

    inputs: Arrays
    outputs: Arrays
    whole: bool
    notes: tuple[str, ...] = ()


class _Bench:
    """Where the files of one item in one mode are run."""

    def __init__(self, item: Incoming, mode: Mode, agent: Agent, target: str, scratch: Path) -> None:
        self.item, self.mode = item, mode
        self.states = item.states if mode == "stream" else ()
        self._agent, self._target, self._scratch = agent, target, scratch
        carried = {state.input for state in self.states}
        self.fed = tuple(tensor for tensor in item.inputs if tensor.name not in carried)

    def shapes(self) -> dict[str, Shape]:
        return {tensor.name: self.item.shapes[tensor.name] for tensor in self.fed}

    def child(self, path: Path) -> Child:
        return Child(
            self._agent,
            path,
            shapes=self.shapes(),
            scratch=self._scratch,
            target=self._target,
            states=self.states,
        )


def write(
    item: Incoming,
    mode: Mode,
    precisions: Sequence[Precision],
    isa: str,
    *,
    agent: Agent,
    target: str,
    bundle: Path,
    scratch: Path,
) -> Written:
    """Write one file and what can be made of it.

    Raises:
        InputError: it does not load, or does not run at its shapes.
        AgentFailed: the process that ran it died.
    """
    if mode == "stream" and not item.states:
        line = f"{item.family}-stream: no state was found in {item.path.name}; name its pairs with --state in=out"
        return Written(dropped=[line])
    bench = _Bench(item, mode, agent, target, scratch)
    # One read: what is hashed, parsed, run and shipped is the same bytes.
    content = item.path.read_bytes()
    model = parse(content, item.path) if present("onnx") else None
    if model is not None and item.constants:
        model = with_constants(model, item.constants)
        content = model.SerializeToString(deterministic=True)
    origin = UNKNOWN if model is None else origin_of(model, item.path)
    portable = origin.precision in ("fp32", "fp16")
    name = _name(item, mode, origin.precision, "portable" if portable else "unknown")
    path = bundle / f"{name}.onnx"
    write_atomic(path, content)
    golden = _try(bench, path)
    artifact = _artifact(bench, path, origin, golden, _itself(origin, golden.outputs))
    written = Written(artifacts=[artifact])
    asked = [precision for precision in dict.fromkeys(precisions) if precision != "fp32"]
    simple = folded(model) if model is not None and origin.precision == "fp32" and (asked or item.constants) else None
    if simple is not None and item.constants and golden.outputs:
        written.artifacts = [_plainer(bench, path, simple, golden, artifact)]
    _keep_golden(bundle, written.artifacts[0], golden, golden.outputs)
    if model is None or origin.precision != "fp32":
        return written
    for precision in asked:
        made = _quantize(bench, bundle, model if simple is None else simple, precision, isa, golden, path)
        if isinstance(made, str):
            written.dropped.append(made)
        else:
            written.artifacts.append(made)
    return written


def _name(item: Incoming, mode: Mode, precision: Precision | None, isa: str) -> str:
    return "-".join((item.family, mode, precision or "unknown", isa, "plain"))


def _try(bench: _Bench, path: Path) -> _Golden:
    """Golden inputs and outputs; none, with a note, where outputs are not finite."""
    item = bench.item
    try:
        with bench.child(path) as child:
            feeds, whole = (
                (golden_sequences(bench.fed, item.shapes, item.path), False)
                if bench.states
                else golden_inputs(bench.fed, item.shapes)
            )
            answers = child.run(feeds, whole=whole)
    except AgentFailed as error:
        raise AgentFailed(f"{item.path.name}: {_plain(error, path, item)}") from error
    except InputError as error:
        tried = sizes.as_options(bench.shapes())
        side = [tensor.name for tensor in bench.fed if not tensor.shape]
        hint = f", or a side input with --set-input {side[0]}=VALUE" if side else ""
        raise InputError(f"{_plain(error, path, item)} (tried with {tried}; change it with --shape{hint})") from error
    if any(value.dtype.kind == "f" and not np.isfinite(value).all() for value in answers.values()):
        note = "no golden vectors: random inputs gave NaN or infinity"
        return _Golden(inputs={}, outputs={}, whole=whole, notes=(note,))
    return _Golden(inputs=feeds, outputs=dict(answers), whole=whole)


def _plainer(bench: _Bench, path: Path, simple: ModelProto, golden: _Golden, artifact: Artifact) -> Artifact:
    """The artifact with its constant parts computed, where that answers as the file did; else as it is."""
    from edgekit_export.verify.outputs import compare_outputs
    from edgekit_export.verify.parity import ParityFailed

    before = path.read_bytes()
    write_atomic(path, simple.SerializeToString(deterministic=True))
    try:
        with bench.child(path) as child:
            answers = child.run(golden.inputs, whole=golden.whole)
        parity, _ = compare_outputs(
            answers=[answers],
            references=[golden.outputs],
            at=(_example(bench),),
            precision=find_precision("fp32"),
            weights="imported",
        )
    except (ParityFailed, InputError, AgentFailed):
        write_atomic(path, before)
        return artifact
    note = f"{', '.join(bench.item.constants)} was set, and what follows from it computed once and for all"
    return replace(
        _artifact(bench, path, origin_of(simple, bench.item.path), golden, replace(parity, reference="itself")),
        notes=(*artifact.notes, note),
    )


def _quantize(
    bench: _Bench, bundle: Path, source: ModelProto, precision: Precision, isa: str, golden: _Golden, fp32: Path
) -> Artifact | str:
    """The artifact of ``precision``, held against the file's own run; or one line that says why there is none."""
    from edgekit_export.graph.clean import serialise
    from edgekit_export.verify import keep
    from edgekit_export.verify.outputs import compare_outputs
    from edgekit_export.verify.parity import ParityFailed

    found = find_precision(precision)
    assumed = isa if found.integer else "portable"
    name = _name(bench.item, bench.mode, precision, assumed)
    if not golden.outputs:
        return f"{name}: {golden.notes[0]}, so its error cannot be told"
    converted = _convert(source, precision, isa)
    if isinstance(converted, Refused):
        return f"{name}: {converted.reason}"
    path = bundle / f"{name}.onnx"
    write_atomic(path, serialise(converted.model))
    try:
        with bench.child(path) as child:
            answers = child.run(golden.inputs, whole=golden.whole)
        parity, notes = compare_outputs(
            answers=[answers],
            references=[golden.outputs],
            at=(_example(bench),),
            precision=found,
            weights="imported",
        )
    except (ParityFailed, InputError, AgentFailed) as error:
        path.unlink(missing_ok=True)
        return f"{name}: {_plain(error, path, bench.item).splitlines()[0].replace('PyTorch', 'its fp32 run')}"
    verdict = keep.judge(size=path.stat().st_size, fp32_size=fp32.stat().st_size, right=None, fp32_right=None)
    artifact = replace(
        _artifact(
            bench, path, origin_of(converted.model, bench.item.path), golden, replace(parity, reference="itself")
        ),
        precision=precision,
        isa=assumed,
        quantized=converted.quantized,
        keep=verdict,
    )
    artifact = replace(artifact, notes=(*artifact.notes, *converted.notes, *notes))
    _keep_golden(
        bundle, artifact, golden, {name: value for name, value in golden.outputs.items() if value.dtype.kind == "f"}
    )
    return artifact


def _convert(source: ModelProto, precision: Precision, isa: str) -> Converted | Refused:
    """Apply ``precision`` to a graph from elsewhere, of an opset that its operators exist in."""
    opset = next((entry.version for entry in source.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset < 11:
        return Refused(reason=f"the file has opset {opset}, quantized operators need 11; export it again at 18")
    try:
        return find_precision(precision).apply(source, isa)
    except Exception as error:  # a foreign graph may break any assumption of a rewrite
        return Refused(
            reason=f"its graph cannot be rewritten: {str(error).partition(chr(10))[0] or type(error).__name__}"
        )


def _artifact(bench: _Bench, path: Path, origin: Origin, golden: _Golden, parity: Parity | None) -> Artifact:
    item = bench.item
    carried = {state.input: state for state in bench.states}
    counted: dict[str, Quantized] | None = origin.quantized
    return Artifact(
        id=path.stem,
        file=path.name,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        family=item.family,
        mode=bench.mode,
        precision=origin.precision,
        isa="portable" if origin.precision in ("fp32", "fp16") else "unknown",
        variant="plain",
        weights="imported",
        parameters=origin.parameters,
        opset=origin.opset,
        ir_version=origin.ir_version,
        min_onnxruntime=origin.min_onnxruntime,
        inputs=tuple(
            Tensor(name=tensor.name, dtype=tensor.dtype, shape=carried[tensor.name].shape)
            if tensor.name in carried
            else _recorded(tensor, item.shapes[tensor.name], free=bool(golden.outputs) and not golden.whole)
            for tensor in item.inputs
        ),
        outputs=item.outputs,
        states=bench.states,
        parity=parity,
        quantized=counted,
        accuracy=None,
        accuracy_validation=None,
        example=_example(bench),
        notes=(*item.notes, *origin.notes, *golden.notes),
    )


def _keep_golden(bundle: Path, artifact: Artifact, golden: _Golden, outputs: Arrays) -> None:
    if outputs:
        write_golden(bundle / "golden" / f"{artifact.id}.npz", golden.inputs, outputs, whole=golden.whole)


def golden_inputs(inputs: Sequence[Tensor], shapes: Mapping[str, Shape]) -> tuple[Arrays, bool]:
    """Seeded inputs, and whether they are fed as a whole.

    Where the first axis of every input is free or 1, and run at 1, eight samples are stacked along it and fed one by
    one. Anything else (a fixed batch, the length first, a single number beside a batch) is one feed.
    """
    whole = any(not tensor.shape or shapes[tensor.name][0] != 1 for tensor in inputs)
    generator = np.random.default_rng(0)
    feeds: Arrays = {}
    for tensor in inputs:
        shape = shapes[tensor.name]
        feeds[tensor.name] = _draw(generator, tensor.dtype, shape if whole else (SAMPLES, *shape[1:]))
    return feeds, whole


def golden_sequences(inputs: Sequence[Tensor], shapes: Mapping[str, Shape], file: Path) -> Arrays:
    """Seeded sequences ``[samples, steps, ...]`` of what a stream is fed at each step.

    Raises:
        InputError: an input whose first axis is not the batch, or is not 1.
    """
    generator = np.random.default_rng(0)
    feeds: Arrays = {}
    for tensor in inputs:
        shape = shapes[tensor.name]
        if not shape:
            raise InputError(
                f"{file}: input {tensor.name} is a single number, which no step of a stream brings anew; set it with "
                f"--set-input {tensor.name}=VALUE"
            )
        if shape[0] != 1:
            raise InputError(
                f"{file}: a stream feeds one sequence, input {tensor.name} has {sizes.as_text(shape)}; give it a first "
                "axis of 1 with --shape, or take the file with --mode window"
            )
        feeds[tensor.name] = _draw(generator, tensor.dtype, (SAMPLES, _STEPS, *shape[1:]))
    return feeds


def _draw(generator: np.random.Generator, dtype: str, shape: Shape) -> NDArray[np.generic]:
    """Standard normal floats; whole numbers 0 and 1, which are valid indices of anything; both truth values."""
    if dtype.startswith("float"):
        return np.asarray(generator.standard_normal(shape)).astype(dtype)
    return np.asarray(generator.integers(0, 2, shape)).astype(dtype)


def _itself(origin: Origin, outputs: Arrays) -> Parity | None:
    """Bounds for later runs elsewhere; the file is its own reference, so its error is 0."""
    if not outputs:
        return None
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


def _example(bench: _Bench) -> tuple[int, int]:
    """(batch, length) of what is run: of the first input with more than a batch and features; a stream's one step."""
    shapes = bench.shapes()
    shape = next((shape for shape in shapes.values() if len(shape) >= 2), next(iter(shapes.values())))
    return (shape[0] if shape else 1, shape[1] if len(shape) >= 3 and not bench.states else 1)


def _plain(error: Exception, path: Path, item: Incoming) -> str:
    """The message with the user's own path in place of the copy's."""
    return str(error).replace(str(path.absolute()), str(item.path)).replace(path.name, item.path.name)
