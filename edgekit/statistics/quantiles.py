"""Quantiles with distribution-free intervals that know samples are not independent.

An order-statistic interval for a quantile needs no model of the distribution (David and Nagaraja, Order Statistics,
2003, section 7.1), but it assumes independent samples. Latencies are not: they come in slices (one stretch of
time in one process), and a slow stretch slows all of them. Each slice is therefore treated as a cluster of a survey:
the design effect (Kish, Survey Sampling, 1965) of the indicator "above the quantile" shrinks the sample count to an
effective one, and Student's t over the number of slices accounts for how few they are. With independent samples this
is the textbook interval. It cannot know of disturbances longer than the run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Quantile:
    """A quantile in the unit of the samples.

    ``value`` is null where fewer samples than 1 / (1 - q) were taken, an end of the interval where the effective
    samples cannot bound it.
    """

    value: float | None
    low: float | None
    high: float | None
    effective_samples: int


def quantile(slices: Sequence[Sequence[float]], q: float, confidence: float = CONFIDENCE) -> Quantile:
    """The ``q``-quantile (nearest rank) of all samples, with its interval.

    Args:
        slices: samples grouped by the stretch of time they were taken in; empty groups are ignored.
        q: between 0 and 1, exclusive.
        confidence: of the two-sided interval.
    """
    groups = [np.asarray(group, dtype=np.float64) for group in slices if len(group)]
    if not groups:
        return Quantile(None, None, None, 0)
    samples = np.sort(np.concatenate(groups))
    count = len(samples)
    rank = max(1, math.ceil(q * count))
    point = float(samples[rank - 1])
    effective = effective_samples(groups, point, confidence)
    low, high = _interval(samples, q, effective, confidence)
    enough = count * min(q, 1.0 - q) >= 1.0 - 1e-9
    return Quantile(point if enough else None, low, high, effective)


def effective_samples(groups: Sequence[NDArray[np.float64]], threshold: float, confidence: float = CONFIDENCE) -> int:
    """How many independent samples the clustered ones are worth, for the share of them above ``threshold``."""
    sizes = np.array([len(group) for group in groups], dtype=np.float64)
    total = float(sizes.sum())
    if len(groups) < 2:
        return int(total)
    shares = np.array([float(np.mean(group > threshold)) for group in groups])
    share = float((sizes * shares).sum() / total)
    independent = share * (1.0 - share) / total
    if independent == 0.0:
        return int(total)
    between = float((sizes**2 * (shares - share) ** 2).sum()) / total**2 * len(groups) / (len(groups) - 1)
    effect = between / independent
    if effect <= 1.0:
        return int(total)
    return max(1, int(total / effect * _small_sample(len(groups), confidence)))


def _small_sample(groups: int, confidence: float) -> float:
    from scipy.stats import norm, t

    tail = 0.5 + confidence / 2.0
    return float((norm.ppf(tail) / t.ppf(tail, groups - 1)) ** 2)


def _interval(
    samples: NDArray[np.float64], q: float, effective: int, confidence: float
) -> tuple[float | None, float | None]:
    from scipy.stats import binom

    tail = (1.0 - confidence) / 2.0
    lower = int(binom.ppf(tail, effective, q))
    upper = int(binom.ppf(1.0 - tail, effective, q)) + 1
    count = len(samples)
    low = high = None
    if lower >= 1:
        low = float(samples[max(1, math.floor(lower * count / effective)) - 1])
    if upper <= effective:
        high = float(samples[min(count, math.ceil(upper * count / effective)) - 1])
    return low, high


def samples_needed(q: float, confidence: float = CONFIDENCE) -> int:
    """The least number of independent samples with which the two-sided interval of ``q`` is bounded on both sides."""
    tail = (1.0 - confidence) / 2.0
    return math.ceil(math.log(tail) / math.log(max(q, 1.0 - q)))
