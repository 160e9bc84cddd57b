"""From one prepared module to its artifacts: traced, quantized, verified, evaluated, written.

Imported lazily: it needs torch and onnx.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray

from edgekit_export.families import find
from edgekit_export.graph.clean import clean, serialise, stamp
from edgekit_export.graph.facts import check, read_facts
from edgekit_export.graph.trace import INPUT, OUTPUT, trace
from edgekit_export.prepare import Prepared
from edgekit_export.quantize import calibration
from edgekit_export.quantize import find as find_precision
from edgekit_export.quantize.calibration import Calibration
from edgekit_export.quantize.contract import PORTABLE, Converted, Precision, Refused
from edgekit_export.verify import keep, parity
from edgekit_export.verify.accuracy import accuracy, answered_right
from edgekit_export.verify.child import Child
from edgekit_export.verify.golden import SAMPLES, write_golden
from edgekit_export.verify.reference import reference_outputs
from edgekit_targets.agent.contract import Agent
from edgekit_targets.errors import AgentFailed, CheckFailed, InputError
from edgekit_targets.files import sha256_of, write_atomic
from edgekit_targets.types.manifest import Accuracy, Artifact, Parity

if TYPE_CHECKING:
    from onnx import ModelProto

    from edgekit_export.data.contract import Dataset

Floats = NDArray[np.float32]
_RANDOM_SAMPLES = 64
_NO_DATA = "no data was given: accuracy is not known, and parity was checked on random inputs"
VARIANT: Final = "plain"
MODE: Final = "window"


@dataclass(frozen=True, kw_only=True)
class Written:
    """The artifacts of one module, and one line for each that was asked for and is not there."""

    artifacts: tuple[Artifact, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """What all artifacts of one module share.

    ``dataset`` gives held-out inputs and the accuracy; without it inputs are random, drawn with ``seed``. ``isa`` is
    what integer files may assume of the processor. ``agent`` runs what was written on ``target``, in processes of its
    own.
    ``bundle`` is a folder under construction, ``scratch`` one for arrays on their way. ``accuracy_drop`` is what a
    quantized artifact may lose against fp32, as a share.
    """

    prepared: Prepared
    precisions: Sequence[Precision]
    isa: str
    dataset: Dataset | None
    seed: int
    agent: Agent
    target: str
    bundle: Path
    scratch: Path
    accuracy_drop: float = keep.LIMIT


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reference:
    """PyTorch's answers, computed once for all precisions; the last point holds the golden inputs.

    ``size`` is that of the fp32 file, ``right`` tells which validation samples PyTorch answers right.
    """

    at: tuple[tuple[int, int], ...]
    inputs: list[Floats]
    outputs: list[Floats]
    held_out: Floats
    held_out_outputs: Floats
    size: int
    right: NDArray[np.bool_] | None


def write_artifacts(job: Job, step: Callable[[], None]) -> Written:
    """Write the artifacts of one module and their golden vectors; ``step`` is called 1 + len(precisions) times.

    Raises:
        CheckFailed: the fp32 artifact does not answer as PyTorch does, or a graph breaks a promise.
        InputError: the module cannot be traced.
    """
    spec, fixed = job.prepared.spec, find(job.prepared.family).fixed_length
    dynamic = {0: "batch"} if fixed else {0: "batch", 1: "length"}
    example = torch.zeros(parity.TRACED_BATCH, spec.length if fixed else parity.TRACED_LENGTH, spec.features)
    traced = clean(trace(job.prepared.module, example, dynamic=dynamic))
    size = len(serialise(stamp(traced, metadata_of(job, find_precision("fp32"), PORTABLE))))
    reference = _reference(job, fixed_length=fixed, size=size)
    seen = _calibrate(job, traced) if any(precision.calibrated for precision in job.precisions) else None
    step()
    artifacts: list[Artifact] = []
    dropped: list[str] = []
    for precision in job.precisions:
        isa = job.isa if precision.integer else PORTABLE
        name = "-".join((job.prepared.family, MODE, precision.name, isa, VARIANT))
        converted = precision.apply(traced, isa, seen)
        if isinstance(converted, Refused):
            dropped.append(f"{name}: {converted.reason}")
        else:
            model = stamp(converted.model, metadata_of(job, precision, isa))
            check(model, dynamic=dynamic)
            # Outside of the try: a disk that is full is no property of a precision.
            path = job.bundle / f"{name}.onnx"
            write_atomic(path, serialise(model))
            try:
                artifact = _verified(job, name, model, converted, precision, isa, reference)
            except (parity.ParityFailed, AgentFailed, InputError) as error:
                path.unlink(missing_ok=True)
                if precision.name == "fp32":
                    if isinstance(error, AgentFailed):
                        raise
                    raise CheckFailed(f"{name}: {error}") from error
                dropped.append(f"{name}: {str(error).splitlines()[0]}")
            else:
                golden = job.bundle / "golden" / f"{name}.npz"
                write_golden(golden, {INPUT: reference.inputs[-1]}, {OUTPUT: reference.outputs[-1]})
                artifacts.append(artifact)
        step()
    return Written(artifacts=tuple(artifacts), dropped=tuple(dropped))


def _calibrate(job: Job, traced: ModelProto) -> Calibration | None:
    """What the weights meet on training data; on random inputs where the weights are random too, else not known."""
    spec = job.prepared.spec
    if job.dataset is not None:
        samples = calibration.choose(job.dataset.x_train)
    elif job.prepared.weights == "random":
        # Not the held-out inputs: those are drawn from the seed alone.
        draw = np.random.default_rng([job.seed, 1]).standard_normal((256, spec.length, spec.features))
        samples = calibration.choose(draw.astype(np.float32))
    else:
        return None

    def run(model: ModelProto, x: Floats) -> dict[str, NDArray[np.generic]]:
        path = job.scratch / f"{job.prepared.family}-calibration.onnx"
        write_atomic(path, serialise(model))
        with Child(job.agent, path, shapes={INPUT: x[:1].shape}, scratch=job.scratch, target=job.target) as child:
            return child.run({INPUT: x}, whole=True)

    return calibration.calibrate(traced, samples, run)


def _verified(
    job: Job, name: str, model: ModelProto, converted: Converted, precision: Precision, isa: str, reference: _Reference
) -> Artifact:
    prepared, path, facts = job.prepared, job.bundle / f"{name}.onnx", read_facts(model)
    judged, test, validation, right = _judge(job, path, precision, reference)
    verdict = None
    if precision.name != "fp32":
        verdict = keep.judge(
            size=path.stat().st_size,
            fp32_size=reference.size,
            right=right,
            fp32_right=reference.right,
            limit=job.accuracy_drop,
        )
        if verdict.accurate is False:
            raise parity.ParityFailed(f"too inaccurate: {verdict.reason}")
    notes = () if job.dataset is not None else (_NO_DATA,)
    return Artifact(
        id=name,
        file=path.name,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        family=prepared.family,
        mode=MODE,
        precision=precision.name,
        isa=isa,
        variant=VARIANT,
        weights=prepared.weights,
        parameters=prepared.parameters,
        opset=facts.opset,
        ir_version=facts.ir_version,
        min_onnxruntime=facts.min_onnxruntime,
        inputs=facts.inputs,
        outputs=facts.outputs,
        states=(),
        parity=judged,
        quantized=converted.quantized,
        accuracy=test,
        accuracy_validation=validation,
        training=prepared.training,
        example=(1, prepared.spec.length),
        notes=notes,
        keep=verdict,
    )


def _judge(
    job: Job, path: Path, precision: Precision, reference: _Reference
) -> tuple[Parity, Accuracy | None, Accuracy | None, NDArray[np.bool_] | None]:
    """Run the artifact in a child: parity, accuracy on test and validation split, and what of the latter is right."""
    shape, dataset = (1, job.prepared.spec.length, job.prepared.spec.features), job.dataset
    with Child(job.agent, path, shapes={INPUT: shape}, scratch=job.scratch, target=job.target) as child:

        def run(x: Floats, *, whole: bool) -> Floats:
            return child.run({INPUT: x}, whole=whole)[OUTPUT].astype(np.float32, copy=False)

        held_out = run(reference.held_out, whole=False)
        judged = parity.compare(
            answers=[run(x, whole=True) for x in reference.inputs],
            references=reference.outputs,
            held_out=held_out,
            held_out_reference=reference.held_out_outputs,
            at=reference.at,
            precision=precision,
            weights=job.prepared.weights,
        )
        if dataset is None:
            return judged, None, None, None
        answers = run(dataset.x_valid, whole=False)
        right = answered_right(answers, dataset.y_valid)
        return judged, accuracy(held_out, dataset.y_test), accuracy(answers, dataset.y_valid), right


def _reference(job: Job, *, fixed_length: bool, size: int) -> _Reference:
    spec, module = job.prepared.spec, job.prepared.module
    right = None
    if job.dataset is not None:
        held_out = job.dataset.x_test
        right = answered_right(reference_outputs(module, job.dataset.x_valid), job.dataset.y_valid)
    else:
        shape = (_RANDOM_SAMPLES, spec.length, spec.features)
        held_out = np.random.default_rng(job.seed).standard_normal(shape).astype(np.float32)
    at = parity.points(spec.length, fixed_length=fixed_length)
    inputs = list(parity.point_inputs(held_out, at, job.seed))
    # Golden inputs are real ones where there are any: the first of the held-out, repeated where there are too few.
    inputs[-1] = np.resize(held_out, (SAMPLES, *held_out.shape[1:]))
    return _Reference(
        at=at,
        inputs=inputs,
        outputs=[reference_outputs(module, x) for x in inputs],
        held_out=held_out,
        held_out_outputs=reference_outputs(module, held_out),
        size=size,
        right=right,
    )


def metadata_of(job: Job, precision: Precision, isa: str) -> dict[str, str]:
    """What the file says about itself."""
    return {
        "family": job.prepared.family,
        "mode": MODE,
        "precision": precision.name,
        "isa": isa,
        "variant": VARIANT,
        "weights": job.prepared.weights,
        "labels": json.dumps(list(job.dataset.classes) if job.dataset is not None else []),
    }
