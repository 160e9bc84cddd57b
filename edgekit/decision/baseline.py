"""``pick --baseline``: what ships now, and what the last release shipped, then and now on the same machine.

Figures of two runs differ by more than their intervals know, since those cannot see what lasts longer than a run; so
a regression has to clear both intervals and a stated difference. Measure both bundles one after the other where that
is not enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgekit.decision.accuracy import accuracy_difference, can_tell
from edgekit.decision.figures import Evidence, Figure, figure, preference
from edgekit.decision.setup import Setup, setup_of
from edgekit.decision.weigh import Weighed, weigh
from edgekit.decision.words import candidate_name
from edgekit.profiling.store import read_profiles
from edgekit.terminal.format import figure as told
from edgekit.terminal.format import interval, seconds
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.types.comparison import Baseline, Compared, Movement
from edgekit_targets.types.verdict import Choice, Verdict

DIFFERENCES = {"p50": 0.05, "p99": 0.05, "cpu": 0.05, "memory": 0.05, "size": 0.01}
"""How much worse a figure must be, as a share of what it was, to count at all."""


def weigh_baseline(bundle: Path, now: Weighed, **question: Any) -> Weighed:
    """The evidence of the last release for the same budget, from the machine that ``now`` was measured on.

    Raises:
        InputError: no bundle, or one that cannot be judged so; the message names the option.
        Undecided: nothing was measured, or not on that machine.
    """
    here = now.profiles[-1][1].device
    try:
        there = {profile.device.fingerprint: profile.device for _, profile in read_profiles(bundle)}
        if there and here.fingerprint not in there:
            other = next(iter(there.values()))
            raise Undecided(
                f"it was measured on another machine ({other.hardware}, not {here.hardware}), and "
                f"figures of two machines cannot be held against each other; measure it here: edgekit profile {bundle}"
            )
        return weigh(bundle, now.budget, device=here.fingerprint, **question)
    except (InputError, Undecided) as error:
        raise type(error)(f"--baseline {bundle}: {error}") from error


def compare(now: Weighed, verdict: Verdict, then: Weighed, before: Verdict, bundle: Path) -> Baseline:
    """Hold the pick of each mode, and that of the baseline, against themselves in the other bundle.

    Args:
        now: the evidence of the bundle in question.
        verdict: the verdict on it.
        then: the evidence of the baseline, for the same budget and question.
        before: the verdict on that.
        bundle: the baseline's folder.
    """
    compared: list[Compared] = []
    notes: list[str] = []
    for mode in ("window", "stream"):
        new, old = getattr(verdict.choices, mode), getattr(before.choices, mode)
        if new is not None and old is not None and setup_of(new) != setup_of(old):
            notes.append(f"the pick for {mode}s changed from {_name(then, old)} to {_name(now, new)}")
        setups = dict.fromkeys(setup_of(one) for one in (new, old) if one is not None)
        for setup in setups:
            first, second = _find(then, setup), _find(now, setup)
            if first is None or second is None:
                side = "the baseline" if first is None else "this bundle"
                notes.append(f"{setup.artifact} on {setup.target} has no valid measurement in {side}: not compared")
            else:
                compared += _compare(first, second, paired=_same_test_split(now, then))
    return Baseline(
        bundle=str(bundle),
        created=then.manifest.created,
        device=then.profiles[-1][1].device.name,
        compared=tuple(compared),
        notes=tuple(notes),
    )


def _find(weighed: Weighed, setup: Setup) -> Evidence | None:
    return next(
        (one for one, found in weighed.judged if found.valid and setup_of(one.measurement) == setup),
        None,
    )


def _name(weighed: Weighed, choice: Choice) -> str:
    one = _find(weighed, setup_of(choice))
    return choice.artifact if one is None else candidate_name(one)


def _same_test_split(now: Weighed, then: Weighed) -> bool:
    data = [one.manifest.data for one in (now, then)]
    return data[0] is not None and data[1] is not None and data[0].sha256 == data[1].sha256


def _compare(then: Evidence, now: Evidence, *, paired: bool) -> Iterator[Compared]:
    for name in DIFFERENCES:
        read = preference if name == "cpu" else figure
        before, after = read(name, then), read(name, now)
        yield _compared(name, now, before, after, None, *_movement(name, before, after))
    before, after = figure("accuracy", then), figure("accuracy", now)
    lost = accuracy_difference(then.artifact.accuracy, now.artifact.accuracy)
    if lost is None:
        yield _compared("accuracy", now, before, after, None, "unmeasured", before.reason or after.reason)
    elif not paired:
        yield _compared("accuracy", now, before, after, None, "unmeasured", "the two were tested on different data")
    else:
        moved: Movement = "same" if not can_tell(lost) else "regression" if lost.value > 0 else "better"
        yield _compared("accuracy", now, before, after, lost.p_value, moved, None)


def _movement(name: str, then: Figure, now: Figure) -> tuple[Movement, str | None]:
    """All of these are better when smaller."""
    if then.value is None or now.value is None:
        return "unmeasured", (then.reason if then.value is None else now.reason) or "not measured"
    room = DIFFERENCES[name] * then.value
    if now.low is not None and then.high is not None and now.low > then.high and now.value - then.value > room:
        return "regression", None
    if now.high is not None and then.low is not None and now.high < then.low and then.value - now.value > room:
        return "better", None
    return "same", None


def _compared(
    name: str, one: Evidence, then: Figure, now: Figure, p_value: float | None, status: Movement, note: str | None
) -> Compared:
    return Compared(
        artifact=one.artifact.id,
        family=one.artifact.family,
        mode=one.artifact.mode,
        precision=one.artifact.precision,
        target=one.measurement.target,
        name=name,
        then=then.value,
        then_low=then.low,
        then_high=then.high,
        now=now.value,
        now_low=now.low,
        now_high=now.high,
        p_value=p_value,
        status=status,
        note=note,
    )


def headline(found: Baseline) -> str:
    """Whether anything got worse, in a sentence."""
    count = len(found.regressions)
    worse = "no regression" if not count else f"{count} regression{'s' if count > 1 else ''}"
    return f"Against the baseline {found.bundle}: {worse} beyond noise."


def regression_lines(found: Sequence[Compared]) -> list[str]:
    """Each regression in a sentence."""
    lines = []
    for one in found:
        texts = [
            interval(value, low, high, seconds) if one.name == "cpu" else told(one.name, value, low, high)
            for value, low, high in ((one.then, one.then_low, one.then_high), (one.now, one.now_low, one.now_high))
        ]
        chance = "" if one.p_value is None else f", p = {one.p_value:.2g}"
        name = {"cpu": "CPU time", "accuracy": "accuracy (test)"}.get(one.name, one.name)
        lines.append(f"{one.artifact} on {one.target}: {name} was {texts[0]}, is {texts[1]}{chance}")
    return lines
