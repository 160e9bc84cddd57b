"""The stream mode of a module: its step traced, and held step by step against the module's own window.

Imported lazily: it needs torch and onnx.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from edgekit_export.families import find
from edgekit_export.families.contract import NoStream, StepForm
from edgekit_export.families.modules.entry import blank
from edgekit_export.forms import Form, Judged
from edgekit_export.graph.clean import clean
from edgekit_export.graph.trace import INPUT, OUTPUT, STEP_BATCH, trace_step
from edgekit_export.jobs import Floats, Job, reference_right
from edgekit_export.quantize.contract import Precision
from edgekit_export.verify import parity, stream
from edgekit_export.verify.accuracy import accuracy, answered_right
from edgekit_export.verify.child import Child
from edgekit_export.verify.golden import SAMPLES
from edgekit_export.verify.reference import reference_outputs
from edgekit_targets.errors import InputError
from edgekit_targets.records import to_json
from edgekit_targets.types.manifest import Parity

RESET: Final = "before the first step, and to start anew, fill every state input with its initial value"
_GOLDEN_STEPS = 128


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reference:
    """PyTorch's answers, computed once for all precisions. ``sequences`` are by batch, as many steps as the points."""

    at: tuple[tuple[int, int], ...]
    sequences: dict[int, Floats]
    outputs: list[Floats]
    held_out: Floats
    held_out_outputs: Floats


def stream_form(job: Job, held_out: Floats) -> Form | NoStream:
    """Trace the step of ``job``'s module and compute what PyTorch answers.

    Args:
        job: whose module is to stream.
        held_out: sequences ``[samples, length, features]`` that the relative error is told on.
    """
    prepared = job.prepared
    step = find(prepared.family).stream(prepared.module)
    if isinstance(step, NoStream):
        return step
    at = stream.points(step.window or prepared.spec.length)
    longest = max(steps for _, steps in at)
    sequences = {batch: _long_sequences(held_out, batch, longest, job.seed) for batch in stream.BATCHES}
    reference = _Reference(
        at=at,
        sequences=sequences,
        outputs=stream.point_references(prepared.module, sequences, at),
        held_out=held_out,
        held_out_outputs=reference_outputs(prepared.module, held_out),
    )
    golden = np.resize(held_out, (SAMPLES, *held_out.shape[1:]))[:, :_GOLDEN_STEPS]
    return Form(
        traced=clean(trace_step(step, blank(prepared.spec, STEP_BATCH))),
        dynamic={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}},
        judge=lambda path, precision: _judge(job, path, precision, step, reference),
        golden=({INPUT: golden}, {OUTPUT: stream.step_references(prepared.module, golden)}),
        length=golden.shape[1],
        states=step.states,
        facts={"states": json.dumps(to_json(step.states)), "reset": RESET},
        right=reference_right(job),
    )


def _long_sequences(samples: Floats, batch: int, steps: int, seed: int) -> Floats:
    """Sequences ``[batch, steps, features]`` of held-out ones put end to end, in seeded order.

    Not noise, as at the points of a window: on long noise a trained recurrent network hovers between its answers, where
    any rounding tips it over, and that says nothing about the streams it is made for.
    """
    pieces = -(-steps // samples.shape[1])
    chosen = np.random.default_rng([seed, batch]).integers(len(samples), size=(batch, pieces))
    return samples[chosen].reshape(batch, pieces * samples.shape[1], *samples.shape[2:])[:, :steps]


def _judge(job: Job, path: Path, precision: Precision, step: StepForm, reference: _Reference) -> Judged:
    """Parity on every target, and on the first the accuracy: each sequence from a reset, judged after its last step."""
    dataset, notes = job.dataset, []
    with _child(job, path, step, job.target) as child:

        def last(x: Floats) -> Floats:
            return child.run({INPUT: x}, whole=False)[OUTPUT][:, -1].astype(np.float32, copy=False)

        held_out = last(reference.held_out)
        validation = None if dataset is None else last(dataset.x_valid)
        found = _parity(job, child, precision, reference, held_out)
    for target in job.other_targets:
        try:
            with _child(job, path, step, target) as child:
                other = _parity(job, child, precision, reference, held_out)
        except parity.ParityFailed as error:
            raise parity.ParityFailed(f"on {target}: {error}") from error
        except InputError as error:
            notes.append(f"not verified on {target}: {str(error).splitlines()[0]}")
        else:
            found = max(found, other, key=lambda one: one.max_abs_error)
    if dataset is None or validation is None:
        return Judged(parity=found, notes=tuple(notes))
    return Judged(
        parity=found,
        accuracy=accuracy(held_out, dataset.y_test),
        accuracy_validation=accuracy(validation, dataset.y_valid),
        right=answered_right(validation, dataset.y_valid),
        notes=tuple(notes),
    )


def _child(job: Job, path: Path, step: StepForm, target: str) -> Child:
    shapes = {INPUT: (1, *job.prepared.spec.step)}
    return Child(job.agent, path, shapes=shapes, scratch=job.scratch, target=target, states=step.states)


def _parity(job: Job, child: Child, precision: Precision, reference: _Reference, held_out: Floats) -> Parity:
    answers = {
        batch: child.run({INPUT: x}, whole=True)[OUTPUT].astype(np.float32, copy=False)
        for batch, x in reference.sequences.items()
    }
    return parity.compare(
        answers=stream.point_answers(answers, reference.at),
        references=reference.outputs,
        held_out=held_out,
        held_out_reference=reference.held_out_outputs,
        at=reference.at,
        precision=precision,
        weights=job.prepared.weights,
    )
