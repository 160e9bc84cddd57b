"""What may be said at every look: tests and multipliers that hold however often one looks and whenever one stops.

An ordinary 95 % interval looked at every 100 samples is wrong at some look in 21 % of runs. The test here is a bet
(Ville's inequality): under the hypothesis the expected wealth never grows, so wealth beyond 1 / alpha at any time has
a chance of at most alpha. For a share, the wealth is a likelihood ratio averaged over alternatives (Robbins 1970;
Howard, Ramdas, McAuliffe and Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences, Annals of
Statistics 2021; for quantiles Howard and Ramdas, Bernoulli 2022). Averaging over alternatives on one side only keeps it
valid where samples are tied. For a mean it is the normal mixture of asymptotic confidence sequences (Waudby-Smith,
Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics 2024).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
SIDE = (1.0 - CONFIDENCE) / 2.0
"""What may go wrong on each side of an interval."""
NEEDED = math.log(1.0 / SIDE)
"""The logarithm of the wealth that settles one side."""
_CORRECTION_TAIL = 0.001
"""Such a tail of the normal distribution corresponds to the wealth above, some looks included."""
_FIRST_LOOK = 5
"""The number of groups at which the multiplier of a mean is tightest, about."""


def evidence_below(count: Any, hits: Any, share: float) -> NDArray[np.float64]:
    """Log wealth against "at least ``share`` of all are hits", after ``hits`` among ``count`` independent ones.

    Both may be arrays, and fractions: what dependent samples are worth.
    """
    from scipy.special import betainc, betaln

    a, b = _prior(share)
    hits = np.asarray(hits, dtype=np.float64)
    misses = count - hits
    with np.errstate(divide="ignore"):
        mixed = betaln(hits + a, misses + b) + np.log(betainc(hits + a, misses + b, share))
        found = mixed - betaln(a, b) - math.log(betainc(a, b, share)) - hits * math.log(share)
        return np.asarray(found - misses * math.log1p(-share), dtype=np.float64)


def evidence_above(count: Any, hits: Any, share: float) -> NDArray[np.float64]:
    """Log wealth against "at most ``share`` of all are hits"."""
    return evidence_below(count, count - np.asarray(hits, dtype=np.float64), 1.0 - share)


def _prior(share: float) -> tuple[float, float]:
    """A beta distribution whose scale is that of the share, so that small differences from it are bet on most."""
    return (1.0, (1.0 - share) / share) if share <= 0.5 else (share / (1.0 - share), 1.0)


@cache
def few_groups(groups: int) -> float:
    """By how much a variance estimated from so few groups is taken larger: Student's against normal tails."""
    from scipy.stats import norm, t

    return float((t.isf(_CORRECTION_TAIL, groups - 1) / norm.isf(_CORRECTION_TAIL)) ** 2)


@cache
def multiplier(groups: int, looks: int) -> float:
    """How many standard errors, estimated from ``groups``, a mean's interval reaches at each side.

    ``looks`` is how many there are to look at by now (launches); it grows without end, and slowly.
    """
    from scipy.stats import norm, t

    intrinsic = 8.0 * max(1.0, looks / _FIRST_LOOK)
    normal = math.sqrt(2.0 * (1.0 + 1.0 / intrinsic) * math.log(math.sqrt(intrinsic + 1.0) / (1.0 - CONFIDENCE)))
    return float(t.isf(norm.sf(normal), groups - 1))
