"""Quantiles with distribution-free intervals that hold at every look and know that samples are not independent.

A value bounds a quantile where the count of samples beyond it speaks clearly enough (:mod:`.sequences`), samples being
counted for what they are worth at that very value (:mod:`.clusters`). For independent samples the interval is exact at
every look; with others it is as good as the design effect, which cannot know of what the run is too short to show:
:func:`longest_covered`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.statistics.clusters import Samples
from edgekit.statistics.sequences import NEEDED, evidence_above, evidence_below

TAIL = 0.99
"""The quantile that the longest disturbance covered is told for."""
_LOOKED_AT = 48
_HOPELESS = 1e9


@dataclass(frozen=True)
class Quantile:
    """A quantile in the unit of the samples.

    ``value`` is null where fewer samples than 1 / (1 - q) were taken, an end of the interval where the samples cannot
    bound it.
    """

    value: float | None
    low: float | None
    high: float | None
    effective_samples: int


def quantile(samples: Samples, q: float) -> Quantile:
    """The ``q``-quantile (nearest rank) of all samples, with its 95 % interval."""
    ordered = samples.sorted
    count = len(ordered)
    if not count:
        return Quantile(None, None, None, 0)
    point = float(ordered[max(1, math.ceil(q * count)) - 1])
    effect = float(samples.above(np.array([point])).design_effects()[0])
    enough = count * min(q, 1.0 - q) >= 1.0 - 1e-9
    return Quantile(
        value=point if enough else None,
        low=_low(samples, q, effect),
        high=_high(samples, q, effect),
        effective_samples=max(1, int(count / effect)),
    )


def _high(samples: Samples, q: float, effect: float) -> float | None:
    """The least value from which on every one is clearly exceeded by less than 1 - q."""
    ordered = samples.sorted
    count = len(ordered)
    beyond = _most(lambda hits: evidence_below(count / effect, hits / effect, 1.0 - q), count)
    if beyond is None:
        return None
    tried = ordered[_spread(count - 1 - beyond, count - 1)]
    counted = samples.above(tried)
    worth = np.maximum(effect, counted.design_effects())
    clear = evidence_below(count / worth, counted.hits.sum(axis=1) / worth, 1.0 - q) >= NEEDED
    unclear = np.flatnonzero(~clear)
    first = int(unclear[-1]) + 1 if len(unclear) else 0
    return float(tried[first]) if first < len(tried) else None


def _low(samples: Samples, q: float, effect: float) -> float | None:
    """The greatest value up to which every one is clearly reached by more than 1 - q."""
    ordered = samples.sorted
    count = len(ordered)
    beyond = _most(lambda misses: evidence_above(count / effect, (count - misses) / effect, 1.0 - q), count)
    if beyond is None:
        return None
    tried = ordered[_spread(beyond, 0)]
    counted = samples.above(tried, included=True)
    worth = np.maximum(effect, counted.design_effects())
    clear = evidence_above(count / worth, counted.hits.sum(axis=1) / worth, 1.0 - q) >= NEEDED
    unclear = np.flatnonzero(~clear)
    first = int(unclear[-1]) + 1 if len(unclear) else 0
    return float(tried[first]) if first < len(tried) else None


def _most(evidence: Callable[[int], Any], count: int) -> int | None:
    """The largest count that still settles it, which it does from 0 on; None where not even 0 does."""
    if evidence(0) < NEEDED:
        return None
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if evidence(middle) >= NEEDED else (low, middle)
    return low


def _spread(start: int, end: int) -> NDArray[np.intp]:
    """Positions from ``start`` to ``end``, both included: dense at the start, where the answer most often is."""
    distance = abs(end - start)
    steps = np.unique(np.geomspace(1, distance + 1, _LOOKED_AT).round().astype(np.intp) - 1)
    return start + steps if end >= start else start - steps


@cache
def samples_needed(q: float) -> int:
    """The least number of independent samples with which the interval of ``q`` is bounded on both sides."""
    least = min(q, 1.0 - q)
    count = 1
    while evidence_below(count, 0, least) < NEEDED:
        count += 1
    return count


def samples_to_decide(samples: Samples, q: float, limit: float) -> int | None:
    """How many samples like these, in all, would tell on which side of ``limit`` the quantile lies.

    None where they are so near the limit that no number to speak of would.
    """
    count = len(samples.sorted)
    counted = samples.above(np.array([limit]))
    share = float(counted.hits.sum() / counted.total)
    point = samples.sorted[max(1, math.ceil(q * count)) - 1]
    effect = float(max(counted.design_effects()[0], samples.above(np.array([point])).design_effects()[0]))
    evidence = evidence_below if share < 1.0 - q else evidence_above
    total = float(count)
    while evidence(total / effect, share * total / effect, 1.0 - q) < NEEDED:
        total *= 1.1
        if total > _HOPELESS:
            return None
    return math.ceil(total)


def longest_covered(seconds: float) -> float:
    """The longest disturbance, in seconds, that ``seconds`` of measuring can bound the p99 against.

    Samples within one disturbance tell no more than one sample. If every one lasted so long, the run would hold just
    as many independent stretches as a p99 needs independent samples; one that takes 1 % of the time in bursts of this
    length on average goes unseen in less than 1 % of such runs. Nothing is known of longer ones.
    """
    return seconds / samples_needed(TAIL)
