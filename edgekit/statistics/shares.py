"""The share of hits among samples that depend on each other, with an interval that holds at every look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.statistics.clusters import Counted
from edgekit.statistics.sequences import NEEDED, evidence_above, evidence_below

_BISECTIONS = 30


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval; ``effect`` samples are worth one independent one."""

    value: float
    low: float
    high: float
    effect: float


def share(launches: Sequence[Sequence[tuple[int, int]]]) -> Share | None:
    """Of (hits, samples) of slices of launches; None of none.

    That nothing was hit is no proof that nothing will be: ``high`` is above 0 then.
    """
    kept = [[part for part in one if part[1]] for one in launches]
    kept = [one for one in kept if one]
    flat = [part for one in kept for part in one]
    if not flat:
        return None
    hits, sizes = (np.array(column, dtype=np.float64) for column in zip(*flat, strict=True))
    counted = Counted(hits[None, :], sizes, np.cumsum([0, *map(len, kept)])[:-1])
    effect = float(counted.design_effects()[0])
    worth, hit = counted.total / effect, float(hits.sum()) / effect
    value = hit / worth
    return Share(
        value=value,
        low=_edge(lambda at: float(evidence_above(worth, hit, at)), value, 0.0),
        high=_edge(lambda at: float(evidence_below(worth, hit, at)), value, 1.0),
        effect=effect,
    )


def _edge(evidence: Callable[[float], float], inside: float, outside: float) -> float:
    """Where the evidence becomes clear, between the value and an end of [0, 1]; to the cautious side."""
    if inside == outside:
        return outside
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2.0
        if evidence(middle) >= NEEDED:
            outside = middle
        else:
            inside = middle
    return outside
