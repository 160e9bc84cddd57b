"""From one prepared module to its artifacts: traced, quantized, verified, evaluated, written.

Imported lazily: it needs torch and onnx.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgekit_export.families.contract import NoStream
from edgekit_export.forms import Form
from edgekit_export.graph.clean import serialise, stamp
from edgekit_export.graph.facts import check, read_facts
from edgekit_export.graph.trace import INPUT
from edgekit_export.jobs import VARIANT, Floats, Job, held_out, metadata_of
from edgekit_export.quantize import calibration
from edgekit_export.quantize import find as find_precision
from edgekit_export.quantize.calibration import Calibration
from edgekit_export.quantize.contract import PORTABLE, Converted, Precision, Refused
from edgekit_export.streaming import stream_form
from edgekit_export.verify import keep, parity
from edgekit_export.verify.child import Child
from edgekit_export.verify.golden import write_golden
from edgekit_export.windowing import window_form, window_graph
from edgekit_targets.errors import AgentFailed, CheckFailed, InputError, WriteFailed
from edgekit_targets.files import sha256_of, write_atomic
from edgekit_targets.types.manifest import Artifact

if TYPE_CHECKING:
    from onnx import ModelProto

_NO_DATA = "no data was given: accuracy is not known, and parity was checked on random inputs"


@dataclass(frozen=True, kw_only=True)
class Written:
    """The artifacts of one module, and one line for each that was asked for and is not there."""

    artifacts: tuple[Artifact, ...]
    dropped: tuple[str, ...]


def write_artifacts(job: Job, step: Callable[[], None]) -> Written:
    """Write the artifacts of one module and their golden vectors; ``step`` is called 1 + len(precisions) times.

    Raises:
        CheckFailed: the fp32 artifact does not answer as PyTorch does, or a graph breaks a promise.
        InputError: the module cannot be traced.
        WriteFailed: the disk is full.
    """
    form = window_form(job) if job.mode == "window" else stream_form(job, held_out(job))
    if isinstance(form, NoStream):
        for _ in range(1 + len(job.precisions)):
            step()
        return Written(
            artifacts=(), dropped=tuple(f"{_name(job, precision)}: {form.reason}" for precision in job.precisions)
        )
    seen = None
    if any(precision.calibrated for precision in job.precisions):
        # Records are found by the weights' content, so those of the window serve the step too.
        seen = calibrate(job, form.traced if job.mode == "window" else window_graph(job))
    return write_form(job, form, seen, step)


def write_form(job: Job, form: Form, seen: Calibration | None, step: Callable[[], None]) -> Written:
    """Write one form of ``job``'s module in all its precisions; ``seen`` is what its weights meet, where it is known.

    Raises:
        CheckFailed: the fp32 artifact does not answer as PyTorch does, or a graph breaks a promise.
        WriteFailed: the disk is full.
    """
    names = [_name(job, precision) for precision in job.precisions]
    fp32_size = _fp32_size(job, form)
    step()
    artifacts: list[Artifact] = []
    dropped: list[str] = []
    for precision, name in zip(job.precisions, names, strict=True):
        isa = _isa(job, precision)
        converted = precision.apply(form.traced, isa, seen)
        if isinstance(converted, Refused):
            dropped.append(f"{name}: {converted.reason}")
        else:
            model = stamp(converted.model, {**metadata_of(job, precision, isa), **form.facts})
            check(model, dynamic=form.dynamic, states=form.states)
            # Outside of the try: a disk that is full is no property of a precision.
            path = job.bundle / f"{name}.onnx"
            write_atomic(path, serialise(model))
            try:
                artifact = _verified(job, name, model, converted, precision, form, fp32_size)
            except (parity.ParityFailed, AgentFailed, InputError) as error:
                path.unlink(missing_ok=True)
                if precision.name == "fp32":
                    if isinstance(error, AgentFailed):
                        raise
                    raise CheckFailed(f"{name}: {_told(error, path)}") from error
                dropped.append(f"{name}: {_told(error, path).splitlines()[0]}")
            else:
                write_golden(job.bundle / "golden" / f"{name}.npz", *form.golden, whole=form.whole)
                artifacts.append(artifact)
        step()
    return Written(artifacts=tuple(artifacts), dropped=tuple(dropped))


def _told(error: Exception, path: Path) -> str:
    """The message without the folder under construction, which is gone when it is read."""
    return str(error).replace(str(path.absolute()), path.name)


def _isa(job: Job, precision: Precision) -> str:
    """What a file of this precision assumes of the processor: only integer ones assume anything."""
    return job.isa if precision.integer else PORTABLE


def _name(job: Job, precision: Precision) -> str:
    return "-".join((job.prepared.family, job.mode, precision.name, _isa(job, precision), VARIANT))


def calibrate(job: Job, graph: ModelProto, name: str = INPUT) -> Calibration | None:
    """What the weights meet on training data, fed as the input ``name``.

    On random inputs where the weights are random too, else not known.
    """
    spec = job.prepared.spec
    if job.dataset is not None:
        samples = calibration.choose(job.dataset.x_train)
    elif job.prepared.weights == "random":
        # Not the held-out inputs: those are drawn from the seed alone.
        draw = np.random.default_rng([job.seed, 1])
        samples = draw.standard_normal((calibration.enough(spec.length), spec.length, spec.features), np.float32)
    else:
        return None

    def run(model: ModelProto, x: Floats) -> dict[str, NDArray[np.generic]]:
        path = job.scratch / f"{job.prepared.family}-calibration.onnx"
        write_atomic(path, serialise(model))
        try:
            with Child(job.agent, path, shapes={name: x[:1].shape}, scratch=job.scratch, target=job.target) as child:
                return child.run({name: x}, whole=True)
        except InputError as error:
            if isinstance(error, WriteFailed):
                raise
            raise CheckFailed(f"{job.prepared.family}: the traced graph does not run: {_told(error, path)}") from error

    return calibration.calibrate(graph, samples, run)


def _verified(
    job: Job, name: str, model: ModelProto, converted: Converted, precision: Precision, form: Form, fp32_size: int
) -> Artifact:
    """The record of a written file whose answers were held against the reference's.

    Raises:
        ParityFailed: its answers are not the reference's, or it loses more accuracy than it may.
    """
    prepared, path, facts = job.prepared, job.bundle / f"{name}.onnx", read_facts(model)
    judged = form.judge(path, precision)
    verdict = None
    if precision.name != "fp32":
        verdict = keep.judge(
            size=path.stat().st_size,
            fp32_size=fp32_size,
            right=judged.right,
            fp32_right=form.right,
            limit=job.accuracy_drop,
        )
        if verdict.accurate is False:
            raise parity.ParityFailed(f"too inaccurate: {verdict.reason}")
    return Artifact(
        id=name,
        file=path.name,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        family=prepared.family,
        mode=job.mode,
        precision=precision.name,
        isa=_isa(job, precision),
        variant=VARIANT,
        weights=prepared.weights,
        parameters=prepared.parameters,
        opset=facts.opset,
        ir_version=facts.ir_version,
        min_onnxruntime=facts.min_onnxruntime,
        inputs=facts.inputs,
        outputs=facts.outputs,
        states=form.states,
        parity=judged.parity,
        quantized=converted.quantized,
        accuracy=judged.accuracy,
        accuracy_validation=judged.accuracy_validation,
        training=prepared.training,
        example=(1, form.length),
        notes=(*(() if job.dataset is not None else (_NO_DATA,)), *converted.notes, *judged.notes),
        keep=verdict,
    )


def _fp32_size(job: Job, form: Form) -> int:
    """Bytes of the fp32 file, which a quantized one is weighed against."""
    model = stamp(form.traced, {**metadata_of(job, find_precision("fp32"), PORTABLE), **form.facts})
    return len(serialise(model))
