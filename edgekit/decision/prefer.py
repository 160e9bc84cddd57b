"""The preference order: keep all within a stated difference of the best, then ask the next metric.

Two candidates whose intervals overlap are not told apart, whatever the stated difference; CPU times of one run are told
apart by the rounds that both were measured in, too. Accuracies are compared in pairs, on the same validation samples: a
difference that chance makes too is none.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.decision.accuracy import can_tell, validation_difference
from edgekit.decision.figures import Evidence, Figure, preference
from edgekit.profiling.comparisons import cpu_ratio
from edgekit_targets.errors import InputError


@dataclass(frozen=True)
class Metric:
    """What to prefer by: the stated ``difference`` is absolute for shares, relative to the best otherwise."""

    name: str
    higher_is_better: bool
    difference: float
    absolute: bool
    by_interval: bool


METRICS = [
    Metric("accuracy", True, 0.01, True, False),
    Metric("cpu", False, 0.05, False, True),
    Metric("memory", False, 0.05, False, True),
    Metric("size", False, 0.0, False, False),
    Metric("p99", False, 0.05, False, True),
    Metric("energy", False, 0.05, False, True),
]
DEFAULT = ("accuracy", "cpu", "memory", "size")


@dataclass(frozen=True)
class Step:
    """One metric's turn: who was still there, the best of them, and who was left behind with which figure."""

    metric: Metric
    best: Evidence
    figures: tuple[tuple[Evidence, Figure], ...]
    kept: tuple[Evidence, ...]


@dataclass(frozen=True)
class Ranking:
    """The winner, those that could not be told apart from it, and every step on the way."""

    winner: Evidence
    tied: tuple[Evidence, ...]
    steps: tuple[Step, ...]


def parse_preference(text: str) -> tuple[str, ...]:
    """Read ``--prefer accuracy,cpu,...``.

    Raises:
        InputError: a name that is no metric, or none at all.
    """
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    known = [metric.name for metric in METRICS]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise InputError(f"--prefer: {name!r} is no metric; {hint}choose from {', '.join(known)}")
    if not names or len(set(names)) != len(names):
        raise InputError(f"--prefer {text!r} must name each metric once, e.g. {','.join(DEFAULT)}")
    return names


def rank(candidates: Sequence[Evidence], order: Sequence[str]) -> Ranking:
    """Walk the preference order over candidates that all fit.

    A metric that none of those left has is skipped; one that only some have leaves the others behind.
    """
    left = sorted(candidates, key=lambda one: (one.artifact.id, one.measurement.target, one.measurement.threads))
    steps: list[Step] = []
    for name in order:
        if len(left) == 1:
            break
        metric = next(metric for metric in METRICS if metric.name == name)
        found = [(one, preference(name, one)) for one in left]
        having = [(one, fig) for one, fig in found if fig.value is not None]
        if not having:
            continue
        best_one, best = (max if metric.higher_is_better else min)(having, key=lambda item: item[1].value or 0.0)
        left = [
            one
            for one, fig in having
            if _within(metric, fig, best)
            or (metric.by_interval and overlap(fig, best) and not (name == "cpu" and _slower(one, best_one)))
            or (name == "accuracy" and not more_accurate(best_one, one))
        ]
        steps.append(Step(metric, best_one, tuple(found), tuple(left)))
    return Ranking(left[0], tuple(left[1:]), tuple(steps))


def more_accurate(best: Evidence, one: Evidence) -> bool:
    """Whether the best is the better one by more than chance, on the same validation samples."""
    found = validation_difference(best.artifact, one.artifact)
    return found is None or can_tell(found)


def _within(metric: Metric, found: Figure, best: Figure) -> bool:
    value, goal = found.value or 0.0, best.value or 0.0
    room = metric.difference * (1.0 if metric.absolute else abs(goal))
    return abs(value - goal) <= room + 1e-12


def overlap(one: Figure, other: Figure) -> bool:
    """Whether two intervals have something in common; an end that is not known may lie anywhere."""
    return (one.low is None or other.high is None or one.low <= other.high) and (
        other.low is None or one.high is None or other.low <= one.high
    )


def _slower(one: Evidence, best: Evidence) -> bool:
    """Whether the rounds that both were measured in tell that ``one`` takes more of the processor."""
    found = cpu_ratio(one.measurement, best.measurement)
    return found is not None and found.low is not None and found.low > 1.0
