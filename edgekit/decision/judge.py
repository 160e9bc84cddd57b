"""Limits held against figures. The unfavourable end of the interval must meet the limit; unmeasured is never met."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.budget.keys import find_key
from edgekit.decision.figures import Evidence, Figure, figure
from edgekit_targets.types.verdict import Candidate, Constraint, Limit, Status

_WORST: list[Status] = ["fail", "unmeasured", "undecided", "pass"]
SAMPLE_BOUND = ("accuracy", "accuracy_drop")
TIMED = ("p50", "p99", "deadline_miss", "cpu", "energy")
"""What a busy machine spoils."""


def judge(evidence: Evidence, limits: Sequence[Limit]) -> Candidate:
    """Hold every limit against one candidate."""
    constraints = tuple(constraint(limit, figure(limit.name, evidence)) for limit in limits)
    measurement = evidence.measurement
    margins = [
        margin(limit, found.value) for limit, found in zip(limits, constraints, strict=True) if found.value is not None
    ]
    return Candidate(
        artifact=evidence.artifact.id,
        family=evidence.artifact.family,
        mode=evidence.artifact.mode,
        precision=evidence.artifact.precision,
        target=measurement.target,
        threads=measurement.threads,
        spinning=measurement.spinning,
        arena=measurement.arena,
        fixed_shapes=measurement.fixed_shapes,
        cuda_graph=measurement.cuda_graph,
        every_seconds=measurement.every_seconds,
        constraints=constraints,
        margin=min(margins) if len(margins) == len(constraints) else None,
        valid=measurement.valid,
        status=worst([found.status for found in constraints]),
    )


def constraint(limit: Limit, found: Figure) -> Constraint:
    """One limit: pass or fail only where the whole interval lies on one side of it.

    A sample-bound figure (an accuracy) whose interval straddles the limit is not met: more timing would not help, so it
    is a fail that names the number of samples, not undecided.
    """
    status = _status(limit, found)
    note = found.reason if found.value is None else None
    if status == "undecided" and limit.name in SAMPLE_BOUND:
        status = "fail"
        note = f"{found.samples} samples are too few to tell; more labelled data would"
    return Constraint(
        name=limit.name,
        limit=limit.value,
        value=found.value,
        low=found.low,
        high=found.high,
        status=status,
        note=note,
    )


def _status(limit: Limit, found: Figure) -> Status:
    good, bad = (found.low, found.high) if limit.upper else (found.high, found.low)
    if good is not None and not _meets(limit, good):
        return "fail"
    if found.value is None:
        return "unmeasured"
    if bad is not None and _meets(limit, bad):
        return "pass"
    return "undecided"


def _meets(limit: Limit, value: float) -> bool:
    return value <= limit.value if limit.upper else value >= limit.value


def margin(limit: Limit, value: float) -> float:
    """How much room a value leaves, as a share of the limit; negative where it breaks it."""
    room = limit.value - value if limit.upper else value - limit.value
    return room / limit.value


def worst(statuses: Sequence[Status]) -> Status:
    """The status of a candidate is the worst of its limits'."""
    return min(statuses, key=_WORST.index)


def ratio(found: Constraint) -> float | None:
    """A figure over its limit, of a lower limit the limit over the figure: above 1 it breaks it. None if unmeasured."""
    if found.value is None:
        return None
    key = find_key(found.name)
    over, under = (found.value, found.limit) if key is None or key.upper else (found.limit, found.value)
    return over / under if under else math.inf


def nearest_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those with a valid measurement, by their worst ratio to a limit; those that lack a figure come last."""

    def distance(one: Candidate) -> tuple[int, float]:
        ratios = [ratio(found) for found in one.constraints]
        told = [each for each in ratios if each is not None]
        return len(ratios) - len(told), max(told, default=math.inf)

    return sorted((one for one in candidates if one.valid), key=distance)


def nearest(judged: Sequence[tuple[Evidence, Candidate]]) -> list[tuple[Evidence, Candidate]]:
    """As :func:`nearest_first`, each with its evidence."""
    order = nearest_first([candidate for _, candidate in judged])
    return [next(item for item in judged if item[1] is candidate) for candidate in order]
