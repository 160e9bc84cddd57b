"""Two shares on the same samples: their difference with an interval, and whether chance alone would make it.

Two files of one model agree on most samples, so the difference of their accuracies is known far better than either of
them. The interval is the hybrid score interval for paired proportions of Newcombe (Improved confidence intervals for
the difference between binomial proportions based on paired data, Statistics in Medicine 17, 1998, 2635-2650, method
10). Without the pairs the correlation is taken as 0, which is his method 10 for independent proportions (873-890): with
samples that the two mostly answer alike it is wider than need be. The test is McNemar's (Psychometrika 1947), exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Bools: TypeAlias = "NDArray[np.bool_]"


@dataclass(frozen=True)
class Estimate:
    """A share with its interval, ends included, and never null."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """``first - second`` with its 95 % interval.

    ``p_value`` is that of the exact two-sided test of McNemar, null where the samples are not known in pairs.
    """

    value: float
    low: float
    high: float
    p_value: float | None


def paired_difference(first: Bools, second: Bools) -> Difference:
    """The share of ``first`` minus that of ``second``, both ``[samples]`` over the same samples in the same order.

    Raises:
        ValueError: of unequal length, or empty.
    """
    from scipy import stats

    if first.shape != second.shape or not first.size:
        raise ValueError("pairs need the same samples, at least one")
    both, only_first = int((first & second).sum()), int((first & ~second).sum())
    only_second, neither = int((second & ~first).sum()), int((~first & ~second).sum())
    count = first.size
    found = difference(
        _wilson(both + only_first, count),
        _wilson(both + only_second, count),
        correlation=_correlation(both, only_first, only_second, neither),
    )
    differing = only_first + only_second
    p_value = float(stats.binomtest(only_first, differing, 0.5).pvalue) if differing else 1.0
    return Difference(found.value, found.low, found.high, p_value)


def difference(first: Estimate, second: Estimate, *, correlation: float = 0.0) -> Difference:
    """The difference of two estimates from the intervals of both (squares added), given how far they go together."""
    value = first.value - second.value
    down = _length(first.value - first.low, second.high - second.value, correlation)
    up = _length(first.high - first.value, second.value - second.low, correlation)
    return Difference(value, max(-1.0, value - down), min(1.0, value + up), None)


def _length(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(0.0, one**2 - 2.0 * correlation * one * other + other**2))


def _correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Newcombe's phi, with his continuity correction where it is positive."""
    product = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if not product:
        return 0.0
    determinant = float(both * neither - only_first * only_second)
    half = (both + only_first + only_second + neither) / 2.0
    if determinant > 0.0:
        determinant = max(0.0, determinant - half)
    return determinant / math.sqrt(product)


def _wilson(right: int, count: int) -> Estimate:
    from scipy import stats

    interval = stats.binomtest(right, count).proportion_ci(confidence_level=0.95, method="wilson")
    return Estimate(right / count, float(interval.low), float(interval.high))
