"""The candidates that no other one beats in everything."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.decision.figures import Evidence, preference

_COSTS = ("p99", "memory", "size")


def pareto(candidates: Sequence[Evidence]) -> list[Evidence]:
    """Those whose (validation accuracy, p99, memory, size) no other candidate matches or beats throughout.

    Only what every candidate has is compared; candidates without a p99 are left out.
    """
    measured = [one for one in candidates if one.measurement.valid and preference("p99", one).value is not None]
    points = [_costs(one) for one in measured]
    return [
        one
        for one, own in zip(measured, points, strict=True)
        if not any(_dominates(other, own) for other in points if other is not own)
    ]


def _costs(one: Evidence) -> list[float | None]:
    accuracy = preference("accuracy", one).value
    return [None if accuracy is None else -accuracy, *(preference(name, one).value for name in _COSTS)]


def _dominates(left: Sequence[float | None], right: Sequence[float | None]) -> bool:
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a is not None and b is not None]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
