"""Running many samples through a session, and the golden ones against their answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from edgekit_targets.agent import arrays
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.runtimes.carried import fed
from edgekit_targets.runtimes.contract import Array, Session
from edgekit_targets.types.manifest import State
from edgekit_targets.types.profile import DeviceParity

WHOLE = "whole"
"""The array whose presence says that golden inputs are one feed."""


def run_samples(
    session: Session, inputs: Mapping[str, Array], *, whole: bool, states: Sequence[State] = ()
) -> dict[str, Array]:
    """Feed every sample, ``value[i : i + 1]`` (or everything at once), and stack the outputs along the first axis.

    With ``states`` a sample is a sequence of steps: each starts from the initial states, and its outputs are those of
    every step, ``[samples, steps, ...]``.

    Raises:
        InputError: the inputs do not fit the model or one another.
    """
    answers: list[dict[str, Array]] = []
    for feeds in _feeds(inputs, whole):
        if states:
            answers.append(_run_steps(session, feeds, states))
        else:
            session.bind(arrays.fit(feeds, session.inputs))
            answers.append(session.read())
    if len(answers) == 1:  # of one feed as a whole, which may hold single numbers
        return answers[0]
    return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}


def count_samples(inputs: Mapping[str, Array]) -> int:
    """How many samples there are.

    Raises:
        InputError: none, or inputs of different counts.
    """
    counts = {value.shape[0] if value.ndim else 0 for value in inputs.values()}
    if len(counts) != 1 or counts == {0}:
        raise InputError("the inputs must hold the same number of samples, at least one, along their first axis")
    return counts.pop()


def count_steps(inputs: Mapping[str, Array]) -> int:
    """How many steps the sequences have.

    Raises:
        InputError: none, or inputs of different counts.
    """
    counts = {value.shape[1] if value.ndim > 1 else 0 for value in inputs.values()}
    if len(counts) != 1 or counts == {0}:
        raise InputError("the inputs of a stream must hold the same number of steps, at least one, on the second axis")
    return counts.pop()


def check(session: Session, path: Path, tolerance: float, states: Sequence[State] = ()) -> DeviceParity:
    """Run the golden inputs again and compare: the largest absolute difference over all samples and outputs.

    Raises:
        InputError: the file is no set of golden vectors for this model.
        CheckFailed: an output has another shape than it should, or is not finite where it should be.
    """
    expected = arrays.load(path, arrays.OUTPUT)
    inputs = arrays.load(path, arrays.INPUT)
    if not expected:
        raise InputError(f"{path} holds no golden outputs; export again")
    whole = bool(arrays.load(path, WHOLE))
    if not whole:
        count_samples(inputs)
        whole = any(
            tensor.name in inputs and tensor.shape[:1] == inputs[tensor.name].shape[:1] for tensor in session.inputs
        )
    found = run_samples(session, inputs, whole=whole, states=states)
    worst = 0.0
    for name, want in expected.items():
        if name not in found:
            raise InputError(f"{path}: the model has no output {name}; export again")
        worst = max(worst, _difference(name, found[name], want))
    return DeviceParity(max_abs_error=worst, tolerance=tolerance, passed=worst <= tolerance)


def _run_steps(session: Session, feeds: Mapping[str, Array], states: Sequence[State]) -> dict[str, Array]:
    """The outputs of every step of some sequences, run side by side from the initial states."""
    taken = fed(session.inputs, states)
    steps = [
        arrays.fit({name: value[:, step] for name, value in feeds.items()}, taken) for step in range(count_steps(feeds))
    ]
    session.bind({name: value.copy() for name, value in steps[0].items()}, states)
    session.reset()
    answers = []
    for step in steps:
        session.write(step)
        session.run()
        answers.append(session.read())
    return {name: np.stack([answer[name] for answer in answers], axis=1) for name in answers[0]}


def _feeds(inputs: Mapping[str, Array], whole: bool) -> Iterator[Mapping[str, Array]]:
    if whole:
        yield inputs
        return
    for index in range(count_samples(inputs)):
        yield {name: value[index : index + 1] for name, value in inputs.items()}


def _difference(name: str, found: Array, want: Array) -> float:
    if found.shape != want.shape:
        raise CheckFailed(f"output {name} has the shape {found.shape} here, the golden one {want.shape}")
    if want.size == 0:
        return 0.0
    with np.errstate(invalid="ignore"):
        difference = np.abs(found.astype(np.float64) - want.astype(np.float64))
    same = (found == want) | (np.isnan(found) & np.isnan(want))
    worst = float(np.max(np.where(same, 0.0, difference)))
    if not np.isfinite(worst):
        raise CheckFailed(f"output {name} is not finite here, the golden one is; this file must not run on this target")
    return worst
