"""Who need not be measured any longer: decided against the budget, or out of the race.

Looks after every launch are allowed because the intervals hold at every look. That a latency fits needs a minimum of
launches all the same: nothing else tells how much launches differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.decision.figures import Evidence, Figure, preference
from edgekit.decision.judge import judge
from edgekit.decision.prefer import METRICS, Metric, more_accurate, overlap
from edgekit.decision.words import candidate_name
from edgekit.profiling.plan import FEWEST_LAUNCHES, Plan
from edgekit_targets.types.manifest import REFERENCE_PAIR
from edgekit_targets.types.verdict import Candidate, Limit

SAMPLED = ("p50", "p99", "deadline_miss", "cpu", "energy")
"""What more measuring tells more surely; everything else is known after one launch or before."""
_FEWEST_TO_FAIL = 3
"""With fewer launches nothing can be said of how they differ; with so few the intervals are wide, and hold."""
_PATIENCE = 2
"""Those that fit go on to so many times the least launches, for the sake of the order among them alone."""


@dataclass(frozen=True)
class Racer:
    """One candidate as it stands."""

    evidence: Evidence
    candidate: Candidate
    launches: int

    @property
    def name(self) -> str:
        """What it is called in the reason why another one stopped."""
        return candidate_name(self.evidence)


class Race:
    """A budget and what is preferred among those that fit it."""

    def __init__(self, limits: Sequence[Limit], prefer: Sequence[str], plan: Plan | None = None) -> None:
        """Decide by ``limits``, after at least as many launches as ``plan`` has, or as a latency needs."""
        self._limits = tuple(limits)
        self._metrics = [next(metric for metric in METRICS if metric.name == name) for name in prefer]
        self._fewest = FEWEST_LAUNCHES if plan is None else plan.launches

    def enter(self, evidence: Evidence) -> Racer:
        """Hold the limits against what was measured of a candidate so far."""
        latency = evidence.measurement.latency
        return Racer(evidence, judge(evidence, self._limits), 0 if latency is None else latency.launches)

    def reason(self, one: Racer, everybody: Sequence[Racer]) -> str | None:
        """Why ``one`` need not go on; None where it must."""
        out = self.out(one, everybody)
        if out is not None:
            return out
        if one.launches < self._fewest or self._undecided(one):
            return None
        if any(self._unresolved(one, rival) for rival in self._rivals(one, everybody)):
            return None
        return "every limit is decided"

    def out(self, one: Racer, everybody: Sequence[Racer]) -> str | None:
        """Why ``one`` will not be picked whatever else is measured; None where it may be, or is owed an answer.

        Candidates race those of their own mode: each mode gets its choice.
        """
        parity = one.evidence.measurement.parity
        if parity is not None and not parity.passed:
            return "its answers are wrong here, so it cannot be picked"
        failed = self._failed(one)
        if failed:
            return f"it fails {' and '.join(failed)} for sure"
        rivals = self._rivals(one, everybody)
        rival = self._winner_over(one, rivals)
        if rival is not None and not self._owed_an_answer(one, rival, rivals):
            return f"the {rival.name} fits and is preferred to it for sure"
        return None

    def beaten_by(self, one: Racer, everybody: Sequence[Racer]) -> Racer | None:
        """Who fits and is preferred to ``one`` whatever more measuring tells; None where nobody is."""
        return self._winner_over(one, self._rivals(one, everybody))

    def _rivals(self, one: Racer, everybody: Sequence[Racer]) -> list[Racer]:
        return [
            other
            for other in everybody
            if other is not one
            and other.evidence.artifact.mode == one.evidence.artifact.mode
            and other.candidate.valid
            and not self._failed(other)
        ]

    def _winner_over(self, one: Racer, rivals: Sequence[Racer]) -> Racer | None:
        return next((rival for rival in rivals if self._fits(rival) and self._beaten(one, rival, rivals)), None)

    def _owed_an_answer(self, one: Racer, rival: Racer, rivals: Sequence[Racer]) -> bool:
        """Whether nothing would be known about whether a family of the reference pair fits, were ``one`` to stop.

        People ask about both families: "undecided" is no answer for the one that loses. Its cheapest candidate goes on.
        """
        family = one.evidence.artifact.family
        if family not in REFERENCE_PAIR or rival.evidence.artifact.family == family:
            return False
        if not self._undecided(one) and one.launches >= self._fewest:
            return False
        own = [other for other in rivals if other.evidence.artifact.family == family]
        return not any(self._fits(other) or _cheaper(other, one) for other in own)

    def _failed(self, one: Racer) -> list[str]:
        """The limits that it breaks whatever else is measured."""
        return [
            found.name
            for found in one.candidate.constraints
            if found.status == "fail" and (found.name not in SAMPLED or one.launches >= _FEWEST_TO_FAIL)
        ]

    def _fits(self, one: Racer) -> bool:
        return one.candidate.status == "pass" and one.candidate.valid and one.launches >= self._fewest

    def _undecided(self, one: Racer) -> bool:
        """Whether a limit is open that more of the same measuring would settle."""
        return any(
            found.name in SAMPLED
            and (
                found.status == "undecided"
                or (
                    found.status == "unmeasured"
                    and found.name == "p99"
                    and one.evidence.measurement.latency is not None
                )
            )
            for found in one.candidate.constraints
        )

    def _beaten(self, one: Racer, rival: Racer, rivals: Sequence[Racer]) -> bool:
        """Whether the preference order drops ``one`` for ``rival``, whatever else is measured.

        Metric by metric: ``rival`` must stay in as long as ``one`` does, until ``one`` is left behind.
        """
        for metric in self._metrics:
            own, other = (preference(metric.name, each.evidence) for each in (one, rival))
            if own.value is None or other.value is None:
                return False
            if _worse(metric, own, other) and (metric.name != "accuracy" or _for_sure(one, rival, rivals)):
                return True
            best = max((_value(metric, each) for each in (*rivals, one)), default=0.0)
            stays = metric.absolute and _value(metric, rival) >= best - metric.difference
            if not (stays or _no_better(metric, own, other)):
                return False
        return False

    def _unresolved(self, one: Racer, rival: Racer) -> bool:
        """Whether more measuring may still tell the two apart by what is preferred, and has not been tried for long.

        Where an earlier metric tells them apart for good, or the values are as good as equal, it need not.
        """
        if one.launches >= _PATIENCE * self._fewest:
            return False
        for metric in self._metrics:
            own, other = (preference(metric.name, each.evidence) for each in (one, rival))
            if own.value is None or other.value is None:
                return False
            near = abs(own.value - other.value) <= metric.difference * (
                1.0 if metric.absolute else min(abs(own.value), abs(other.value))
            )
            if near or (metric.name == "accuracy" and not more_accurate(one.evidence, rival.evidence)):
                continue
            if not metric.by_interval:
                return False
            return metric.name != "memory" and overlap(own, other)
        return False


def beaten(
    judged: Sequence[tuple[Evidence, Candidate]], limits: Sequence[Limit], prefer: Sequence[str]
) -> list[tuple[Evidence, Evidence]]:
    """Those that more measuring cannot make the choice, each with one that fits and is preferred to it for sure."""
    race = Race(limits, prefer)
    racers = [race.enter(one) for one, _ in judged]
    found = [(one, race.beaten_by(one, racers)) for one in racers]
    return [(one.evidence, rival.evidence) for one, rival in found if rival is not None]


def _value(metric: Metric, one: Racer) -> float:
    value = preference(metric.name, one.evidence).value or 0.0
    return value if metric.higher_is_better else -value


def _cheaper(one: Racer, other: Racer) -> bool:
    """By CPU time; of two alike the first by name, so that exactly one of a family is the cheapest."""
    found = [(preference("cpu", each.evidence).value or 0.0, each.name, id(each)) for each in (one, other)]
    return found[0] < found[1]


def _for_sure(one: Racer, rival: Racer, rivals: Sequence[Racer]) -> bool:
    """Whether whoever will be the most accurate of those that fit is more accurate than ``one`` by more than chance.

    That is ``rival`` or one that is still more accurate; the test is one of pairs, so each is asked.
    """
    least = preference("accuracy", rival.evidence).value or 0.0
    return all(
        more_accurate(other.evidence, one.evidence)
        for other in rivals
        if (preference("accuracy", other.evidence).value or 0.0) >= least
    )


def _worse(metric: Metric, own: Figure, other: Figure) -> bool:
    """Whether ``own`` is left behind for sure: beyond the stated difference, whole intervals apart."""
    value, goal = _ends(metric, own, other)
    if value is None or goal is None:
        return False
    room = metric.difference * (1.0 if metric.absolute else abs(goal))
    return (goal - value if metric.higher_is_better else value - goal) > room + 1e-12


def _no_better(metric: Metric, own: Figure, other: Figure) -> bool:
    value, goal = _ends(metric, own, other)
    if value is None or goal is None:
        return False
    return value <= goal if metric.higher_is_better else value >= goal


def _ends(metric: Metric, own: Figure, other: Figure) -> tuple[float | None, float | None]:
    """The best that ``own`` and the worst that ``other`` can be."""
    if not metric.by_interval:
        return own.value, other.value
    return (own.high, other.low) if metric.higher_is_better else (own.low, other.high)
