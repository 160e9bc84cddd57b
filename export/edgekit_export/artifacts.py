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
from edgekit_export.families.contract import NoStream
from edgekit_export.forms import Form, Judged
from edgekit_export.graph.clean import clean, serialise, stamp
from edgekit_export.graph.facts import check, read_facts
from edgekit_export.graph.trace import INPUT, OUTPUT, trace
from edgekit_export.prepare import Prepared
from edgekit_export.quantize.contract import PORTABLE, Converted, Precision, Refused
from edgekit_export.streaming import stream_form
from edgekit_export.verify import parity
from edgekit_export.verify.accuracy import accuracy
from edgekit_export.verify.child import Child
from edgekit_export.verify.golden import SAMPLES, write_golden
from edgekit_export.verify.reference import reference_outputs
from edgekit_targets.agent.contract import Agent
from edgekit_targets.errors import AgentFailed, CheckFailed, InputError, WriteFailed
from edgekit_targets.files import sha256_of, write_atomic
from edgekit_targets.types.manifest import Artifact, Mode

if TYPE_CHECKING:
    from onnx import ModelProto

    from edgekit_export.data.contract import Dataset

Floats = NDArray[np.float32]
_RANDOM_SAMPLES = 64
_NO_DATA = "no data was given: accuracy is not known, and parity was checked on random inputs"
VARIANT: Final = "plain"


@dataclass(frozen=True, kw_only=True)
class Written:
    """The artifacts of one module, and one line for each that was asked for and is not there."""

    artifacts: tuple[Artifact, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """What all artifacts of one module in one mode share.

    ``dataset`` gives held-out inputs and the accuracy; without it inputs are random, drawn with ``seed``. ``isa`` is
    what integer files may assume of the processor. ``agent`` runs what was written on ``target``, in processes of its
    own; the steps of a stream are checked on ``other_targets`` too.
    ``bundle`` is a folder under construction, ``scratch`` one for arrays on their way.
    """

    prepared: Prepared
    mode: Mode
    precisions: Sequence[Precision]
    isa: str
    dataset: Dataset | None
    seed: int
    agent: Agent
    target: str
    other_targets: Sequence[str]
    bundle: Path
    scratch: Path


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reference:
    """PyTorch's answers, computed once for all precisions; the last point holds the golden inputs."""

    at: tuple[tuple[int, int], ...]
    inputs: list[Floats]
    outputs: list[Floats]
    held_out: Floats
    held_out_outputs: Floats


def write_artifacts(job: Job, step: Callable[[], None]) -> Written:
    """Write the artifacts of one module in one mode and their golden vectors.

    ``step`` is called 1 + len(precisions) times.

    Raises:
        CheckFailed: the fp32 artifact does not answer as PyTorch does, or a graph breaks a promise.
        InputError: the module cannot be traced.
    """
    form = _window_form(job) if job.mode == "window" else stream_form(job, _held_out(job))
    step()
    artifacts: list[Artifact] = []
    dropped: list[str] = []
    for precision in job.precisions:
        isa = job.isa if precision.integer else PORTABLE
        name = "-".join((job.prepared.family, job.mode, precision.name, isa, VARIANT))
        if isinstance(form, NoStream):
            dropped.append(f"{name}: {form.reason}")
            step()
            continue
        converted = precision.apply(form.traced, isa)
        if isinstance(converted, Refused):
            dropped.append(f"{name}: {converted.reason}")
        else:
            model = stamp(converted.model, {**_metadata(job, precision, isa), **form.facts})
            check(model, dynamic=form.dynamic, states=form.states)
            try:
                artifacts.append(_write(job, name, model, converted, precision, isa, form))
            except WriteFailed:
                raise
            except (parity.ParityFailed, AgentFailed, InputError) as error:
                (job.bundle / f"{name}.onnx").unlink(missing_ok=True)
                if precision.name == "fp32":
                    if isinstance(error, AgentFailed):
                        raise
                    raise CheckFailed(f"{name}: {error}") from error
                dropped.append(f"{name}: {str(error).splitlines()[0]}")
        step()
    return Written(artifacts=tuple(artifacts), dropped=tuple(dropped))


def _write(
    job: Job, name: str, model: ModelProto, converted: Converted, precision: Precision, isa: str, form: Form
) -> Artifact:
    prepared, path, facts = job.prepared, job.bundle / f"{name}.onnx", read_facts(model)
    write_atomic(path, serialise(model))
    judged = form.judge(path, precision)
    write_golden(job.bundle / "golden" / f"{name}.npz", {INPUT: form.golden[0]}, {OUTPUT: form.golden[1]})
    return Artifact(
        id=name,
        file=path.name,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        family=prepared.family,
        mode=job.mode,
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
        states=form.states,
        parity=judged.parity,
        quantized=converted.quantized,
        accuracy=judged.accuracy,
        accuracy_validation=judged.accuracy_validation,
        training=prepared.training,
        example=(1, form.length),
        notes=(*(() if job.dataset is not None else (_NO_DATA,)), *judged.notes),
    )


def _window_form(job: Job) -> Form:
    """Trace the module as it is, batch and (where it can) length free."""
    spec, fixed = job.prepared.spec, find(job.prepared.family).fixed_length
    dynamic = {0: "batch"} if fixed else {0: "batch", 1: "length"}
    example = torch.zeros(parity.TRACED_BATCH, spec.length if fixed else parity.TRACED_LENGTH, spec.features)
    reference = _reference(job, fixed_length=fixed)
    return Form(
        traced=clean(trace(job.prepared.module, example, dynamic=dynamic)),
        dynamic=dynamic,
        judge=lambda path, precision: _judge(job, path, precision, reference),
        golden=(reference.inputs[-1], reference.outputs[-1]),
        length=spec.length,
        facts={},
    )


def _judge(job: Job, path: Path, precision: Precision, reference: _Reference) -> Judged:
    """Run the artifact in a child: parity, and the accuracy on the test and the validation split."""
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
            return Judged(parity=judged)
        validation = accuracy(run(dataset.x_valid, whole=False), dataset.y_valid)
        return Judged(parity=judged, accuracy=accuracy(held_out, dataset.y_test), accuracy_validation=validation)


def _reference(job: Job, *, fixed_length: bool) -> _Reference:
    spec, module, held_out = job.prepared.spec, job.prepared.module, _held_out(job)
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
    )


def _held_out(job: Job) -> Floats:
    """Inputs that training never saw, ``[samples, length, features]``; random ones where there is no data."""
    if job.dataset is not None:
        return job.dataset.x_test
    spec = job.prepared.spec
    shape = (_RANDOM_SAMPLES, spec.length, spec.features)
    return np.random.default_rng(job.seed).standard_normal(shape).astype(np.float32)


def _metadata(job: Job, precision: Precision, isa: str) -> dict[str, str]:
    window = job.prepared.spec.settings.get("window")
    return {
        "family": job.prepared.family,
        "mode": job.mode,
        "precision": precision.name,
        "isa": isa,
        "variant": VARIANT,
        "weights": job.prepared.weights,
        "labels": json.dumps(list(job.dataset.classes) if job.dataset is not None else []),
        **({} if window is None else {"window": str(window)}),
    }
