"""The window mode of a module: its graph traced as it is, and held against the module at several points.

Imported lazily: it needs torch and onnx.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgekit_export.families import find
from edgekit_export.families.modules.entry import blank
from edgekit_export.forms import Form, Judged
from edgekit_export.graph.clean import clean
from edgekit_export.graph.trace import INPUT, OUTPUT, trace
from edgekit_export.jobs import Floats, Job, held_out, reference_right
from edgekit_export.quantize.contract import Precision
from edgekit_export.verify import parity
from edgekit_export.verify.accuracy import accuracy, answered_right
from edgekit_export.verify.child import Child
from edgekit_export.verify.golden import SAMPLES
from edgekit_export.verify.reference import reference_outputs

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reference:
    """PyTorch's answers, computed once for all precisions; the last point holds the golden inputs."""

    at: tuple[tuple[int, int], ...]
    inputs: list[Floats]
    outputs: list[Floats]
    held_out: Floats
    held_out_outputs: Floats


def window_form(job: Job) -> Form:
    """Trace the module as it is, batch and (where it can) length free, and compute what PyTorch answers."""
    reference = _reference(job)
    return Form(
        traced=window_graph(job),
        dynamic={INPUT: _dynamic(job), OUTPUT: {0: "batch"}},
        judge=lambda path, precision: _judge(job, path, precision, reference),
        golden=({INPUT: reference.inputs[-1]}, {OUTPUT: reference.outputs[-1]}),
        length=job.prepared.spec.length,
        facts={},
        right=reference_right(job),
    )


def window_graph(job: Job) -> ModelProto:
    """The module's fp32 graph over whole sequences."""
    spec = job.prepared.spec
    length = parity.TRACED_LENGTH if 1 in _dynamic(job) else spec.length
    example = blank(spec, parity.TRACED_BATCH, length)
    return clean(trace(job.prepared.module, example, dynamic=_dynamic(job)))


def _dynamic(job: Job) -> dict[int, str]:
    return {0: "batch"} if find(job.prepared.family).fixed_length else {0: "batch", 1: "length"}


def _judge(job: Job, path: Path, precision: Precision, reference: _Reference) -> Judged:
    """Run the artifact in a child: parity, and the accuracy on the test and the validation split."""
    shape, dataset = (1, job.prepared.spec.length, *job.prepared.spec.step), job.dataset
    with Child(job.agent, path, shapes={INPUT: shape}, scratch=job.scratch, target=job.target) as child:

        def run(x: Floats, *, whole: bool) -> Floats:
            return child.run({INPUT: x}, whole=whole)[OUTPUT].astype(np.float32, copy=False)

        answers = run(reference.held_out, whole=False)
        judged = parity.compare(
            answers=[run(x, whole=True) for x in reference.inputs],
            references=reference.outputs,
            held_out=answers,
            held_out_reference=reference.held_out_outputs,
            at=reference.at,
            precision=precision,
            weights=job.prepared.weights,
        )
        if dataset is None:
            return Judged(parity=judged)
        validation = run(dataset.x_valid, whole=False)
    return Judged(
        parity=judged,
        accuracy=accuracy(answers, dataset.y_test),
        accuracy_validation=accuracy(validation, dataset.y_valid),
        right=answered_right(validation, dataset.y_valid),
    )


def _reference(job: Job) -> _Reference:
    spec, module, samples = job.prepared.spec, job.prepared.module, held_out(job)
    at = parity.points(spec.length, fixed_length=1 not in _dynamic(job))
    inputs = list(parity.point_inputs(samples, at, job.seed))
    # Golden inputs are real ones where there are any: the first of the held-out, repeated where there are too few.
    inputs[-1] = np.resize(samples, (SAMPLES, *samples.shape[1:]))
    return _Reference(
        at=at,
        inputs=inputs,
        outputs=[reference_outputs(module, x) for x in inputs],
        held_out=samples,
        held_out_outputs=reference_outputs(module, samples),
    )
