"""From a user's module to its artifacts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit_export.artifacts import Written, calibrate, write_form
from edgekit_export.data.contract import Dataset
from edgekit_export.families.contract import ModelSpec
from edgekit_export.jobs import Job
from edgekit_export.prepare import Prepared
from edgekit_export.quantize.contract import Precision
from edgekit_export.shapes import as_options
from edgekit_export.users.axes import Axes, axes_text, find_axes
from edgekit_export.users.form import answers_of, data_input, user_form
from edgekit_export.users.load import Shapes, load_user_model
from edgekit_export.users.model import UserModel
from edgekit_export.users.repeatable import check_repeatable
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Mode


@dataclass(frozen=True, kw_only=True, eq=False)
class UserJob:
    """A user's module that runs, twice the same, with its varying axes found."""

    model: UserModel
    axes: Axes


def prepare_user(source: str, family: str, *, shapes: Shapes, checkpoint: Path | None, seed: int) -> UserJob:
    """Load a module and find out how it is called, before anything is written.

    Raises:
        InputError: it cannot be loaded, does not run, answers differently each time, has no batch, or would lose an
            axis that varies without ``shapes`` saying so.
    """
    model = load_user_model(source, family, shapes=shapes, checkpoint=checkpoint, seed=seed)
    check_repeatable(model)
    axes = find_axes(model)
    _check_meant(model, axes, shapes)
    return UserJob(model=model, axes=axes)


def _check_meant(model: UserModel, axes: Axes, shapes: Shapes) -> None:
    """One length alone can vary: what else the module takes at other sizes must be meant to be fixed."""
    silent = [found for found in axes.also_free if found[0] not in shapes]
    if not silent:
        return
    meant = as_options({name: tuple(model.inputs[name].shape) for name, _, _ in silent})
    both = "" if axes.length is None else f"give an example {axes.length} long there too, then they vary together; or "
    raise InputError(
        f"{model.source}: the file would fix {axes_text(silent)}, where the module takes other sizes too, since one "
        f"length alone can vary: {both}say that it is to stay so with {meant}"
    )


def fitting(user: UserJob, dataset: Dataset | None) -> tuple[Dataset | None, tuple[str, ...]]:
    """The data set where the module takes it and answers with its classes; else none, with the reason."""
    if dataset is None:
        return None, ()
    if data_input(user.model, user.axes, dataset) is None:
        taken = ", ".join(f"{name} {list(value.shape)}" for name, value in user.model.inputs.items())
        what = "data" if dataset.vocab is None else "text in token ids (int64)"
        reason = f"it takes {taken}, the {what} is [samples, {', '.join(map(str, dataset.x_test.shape[1:]))}]"
        return None, (f"--data was not used for {user.model.source}: {reason}",)
    one = dataset.x_test[:1]
    if dataset.vocab is not None:
        one = np.full_like(one, len(dataset.vocab) - 1)
    try:
        answers = answers_of(user.model, one)
    except IndexError:
        if dataset.vocab is None:
            raise
        reason = f"its embedding is smaller than the vocabulary of {len(dataset.vocab)} tokens"
        return None, (f"--data was not used for {user.model.source}: {reason}",)
    if answers.shape != (1, len(dataset.classes)):
        reason = f"its first output is {list(answers.shape)} for one sample, not [1, {len(dataset.classes)}]"
        return None, (f"--data was not used for {user.model.source}: {reason}",)
    return dataset, ()


def write_user(
    user: UserJob,
    job: Callable[[Prepared, Mode, Dataset | None], Job],
    modes: Sequence[Mode],
    precisions: Sequence[Precision],
    dataset: Dataset | None,
    step: Callable[[], None],
) -> Written:
    """Write the window artifacts of a user's module; ``step`` is called 1 + len(precisions) times a mode.

    Raises:
        CheckFailed: the fp32 artifact does not answer as PyTorch does.
        InputError: the module cannot be traced.
    """
    used, notes = fitting(user, dataset)
    model, axes = user.model, user.axes
    prepared = Prepared(
        module=model.module,
        family=model.family,
        spec=ModelSpec(features=0, classes=0, length=axes.length or 1, settings={}),
        weights=model.weights,
        training=None,
        parameters=sum(weights.numel() for weights in model.module.parameters()),
    )
    written = Written(artifacts=(), dropped=())
    for mode in modes:
        if mode == "stream":
            lines = tuple(f"{model.family}-stream-{precision.name}: {_NO_STREAM}" for precision in precisions)
            written = Written(artifacts=written.artifacts, dropped=(*written.dropped, *lines))
            for _ in range(1 + len(precisions)):
                step()
            continue
        task = job(prepared, mode, used)
        form, found = user_form(model, axes, task)
        seen = None
        if used is not None and any(precision.calibrated for precision in precisions):
            seen = calibrate(task, form.traced, next(iter(model.inputs)))
        made = write_form(task, form, seen, step)
        artifacts = tuple(
            dataclasses.replace(one, notes=(axes.note, *notes, *found, *one.notes)) for one in made.artifacts
        )
        written = Written(artifacts=(*written.artifacts, *artifacts), dropped=(*written.dropped, *made.dropped))
    return written


_NO_STREAM = (
    "edgekit does not know what a user's module remembers between steps; export one step that takes and gives its "
    "states to .onnx, and pass that with --state in=out"
)
