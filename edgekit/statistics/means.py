"""A mean over slices of launches, with an interval that holds at every look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.statistics.sequences import multiplier


@dataclass(frozen=True)
class Mean:
    """A mean in the unit of its values; the interval is null with fewer than two of them."""

    value: float
    low: float | None
    high: float | None


def mean(launches: Sequence[Sequence[float]]) -> Mean | None:
    """The mean of one value a slice, grouped by launch, or None of none.

    The standard error is that between slices or that between launches, whichever reaches further.
    """
    groups = [np.asarray(one, dtype=np.float64) for one in launches if len(one)]
    if not groups:
        return None
    values = np.concatenate(groups)
    centre = float(values.mean())
    if len(values) < 2:
        return Mean(centre, None, None)
    looks = len(groups)
    half = _reach(values - centre, np.ones(len(values)), looks)
    if looks > 1:
        sums = np.array([float((one - centre).sum()) for one in groups])
        half = max(half, _reach(sums, np.array([float(len(one)) for one in groups]), looks))
    low = centre - half
    return Mean(centre, max(0.0, low) if values.min() >= 0.0 else low, centre + half)


def _reach(deviations: NDArray[np.float64], sizes: NDArray[np.float64], looks: int) -> float:
    """Of a mean over clusters: ``deviations`` are sums of differences from it."""
    groups = len(sizes)
    variance = float((deviations**2).sum()) / float(sizes.sum()) ** 2 * groups / (groups - 1)
    return multiplier(groups, looks) * math.sqrt(variance)
