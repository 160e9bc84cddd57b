"""The window form of a user's module: its graph, and what it is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgekit_export.data.contract import Dataset
from edgekit_export.forms import Form, Judged
from edgekit_export.jobs import Job
from edgekit_export.quantize.contract import Precision
from edgekit_export.users.axes import Axes
from edgekit_export.users.blame import blame, first_line
from edgekit_export.users.draw import draw
from edgekit_export.users.model import UserModel
from edgekit_export.users.tracing import trace_user
from edgekit_export.verify.accuracy import accuracy, answered_right
from edgekit_export.verify.child import Child
from edgekit_export.verify.golden import SAMPLES
from edgekit_export.verify.outputs import compare_outputs
from edgekit_targets.errors import InputError

Arrays = dict[str, NDArray[np.generic]]
_FEWEST: Final = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reference:
    """PyTorch's answers at the points; the last point holds the golden inputs."""

    at: tuple[tuple[int, int], ...]
    inputs: list[Arrays]
    outputs: list[Arrays]


def user_form(model: UserModel, axes: Axes, job: Job) -> tuple[Form, tuple[str, ...]]:
    """Trace ``model`` and compute what PyTorch answers; with notes on what could not be checked.

    With data (``job.dataset``, which fits the one input) the golden inputs are the first of the test split.

    Raises:
        InputError: the module cannot be traced, or takes too few shapes to be checked.
    """
    reference, notes = _reference(model, axes, job)
    traced = trace_user(model, axes)
    golden_in, golden_out = reference.inputs[-1], reference.outputs[-1]
    form = Form(
        traced=traced,
        dynamic={**axes.inputs, **axes.outputs},
        judge=lambda path, precision: _judge(model, job, path, precision, reference),
        golden=(golden_in, {name: value for name, value in golden_out.items() if value.dtype.kind == "f"}),
        length=axes.length or 1 if job.dataset is None else job.dataset.length,
        facts={},
        right=_right(model, job),
        whole=not axes.batch_first,
    )
    return form, notes


def data_input(model: UserModel, axes: Axes, dataset: Dataset) -> str | None:
    """The input that the sequences or token ids of ``dataset`` can be fed to: the only one, of such a shape."""
    if len(model.inputs) != 1 or not axes.batch_first:
        return None
    ((name, value),) = model.inputs.items()
    step = dataset.x_train.shape[2:]
    kind = torch.float32 if dataset.vocab is None else torch.int64
    if value.dtype is not kind or value.dim() != 2 + len(step) or value.shape[2:] != step or 2 in axes.inputs[name]:
        return None
    return name if 1 in axes.inputs[name] or value.shape[1] == dataset.length else None


def answers_of(model: UserModel, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first output for data ``[samples, length, features]``."""
    (name,) = model.inputs
    parts = [
        next(iter(model.call({name: torch.from_numpy(x[i : i + 256])}).values())).numpy() for i in range(0, len(x), 256)
    ]
    found: NDArray[np.float32] = np.concatenate(parts).astype(np.float32, copy=False)
    return found


def _right(model: UserModel, job: Job) -> NDArray[np.bool_] | None:
    if job.dataset is None:
        return None
    return answered_right(answers_of(model, job.dataset.x_valid), job.dataset.y_valid)


def _reference(model: UserModel, axes: Axes, job: Job) -> tuple[_Reference, tuple[str, ...]]:
    notes: list[str] = []
    at: list[tuple[int, int]] = []
    inputs: list[Arrays] = []
    outputs: list[Arrays] = []
    wanted, golden = _wanted(axes)
    for number, (batch, length) in enumerate([*wanted, golden]):
        if (batch, length) in at or (number < len(wanted) and len(at) >= 2 * _FEWEST):
            continue
        drawn = draw(model.inputs, axes.inputs, batch, length if axes.length is not None else None, job.seed + number)
        if number == len(wanted) and job.dataset is not None:
            (name,) = model.inputs
            drawn = {name: torch.from_numpy(np.resize(job.dataset.x_test, (SAMPLES, *job.dataset.x_test.shape[1:])))}
            length = job.dataset.length
        try:
            answer = model.call(drawn)
        except InputError:
            raise
        except Exception as error:  # whatever a user's module raises on a size it does not take
            why = f"{blame(model.module, error)} says: {first_line(error)}"
            notes.append(f"not checked at batch {batch}, length {length}: {model.source} does not take it: {why}")
            continue
        at.append((batch, length))
        inputs.append(_arrays(drawn))
        outputs.append(_arrays(answer))
    if len(at) < _FEWEST:
        raise InputError(
            f"{model.source}: it runs at {len(at)} of the (batch, length) points only, {_FEWEST} are needed to tell "
            f"that its file is right; {notes[0]}"
        )
    return _Reference(at=tuple(at), inputs=inputs, outputs=outputs), tuple(notes)


def _wanted(axes: Axes) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """The points in the order of how much they tell, and the golden one."""
    if axes.length is None:
        return [(batch, 1) for batch in (1, 2, 3, 5)], (SAMPLES, 1)
    own = axes.length
    beyond = [(3, own + 4), (2, 2 * own + 1)]
    near = [(5, 3), (4, 2), (2, max(1, own - 1)), (3, max(1, own - 2)), (7, max(1, own // 2))]
    return [(1, 1), (1, own), *beyond, *near[:2], (3, own), *near[2:]], (SAMPLES, own)


def _arrays(tensors: Mapping[str, Tensor]) -> Arrays:
    return {name: value.detach().numpy() for name, value in tensors.items()}


def _judge(model: UserModel, job: Job, path: Path, precision: Precision, reference: _Reference) -> Judged:
    """Run the artifact in a child: parity at every point and for every output, and the accuracy where there is data."""
    shapes = {name: tuple(value.shape) for name, value in reference.inputs[0].items()}
    dataset = job.dataset
    with Child(job.agent, path, shapes=shapes, scratch=job.scratch, target=job.target) as child:
        answers = [child.run(fed, whole=True) for fed in reference.inputs]
        judged, notes = compare_outputs(
            answers=answers,
            references=reference.outputs,
            at=reference.at,
            precision=precision,
            weights=job.prepared.weights,
        )
        if dataset is None:
            return Judged(parity=judged, notes=notes)
        (name,) = model.inputs
        first = next(iter(reference.outputs[-1]))
        test, validation = (
            child.run({name: x}, whole=False)[first].astype(np.float32, copy=False)
            for x in (dataset.x_test, dataset.x_valid)
        )
    return Judged(
        parity=judged,
        accuracy=accuracy(test, dataset.y_test),
        accuracy_validation=accuracy(validation, dataset.y_valid),
        right=answered_right(validation, dataset.y_valid),
        notes=notes,
    )
