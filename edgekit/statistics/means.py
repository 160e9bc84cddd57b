"""A mean over slices with Student's t interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.statistics.quantiles import CONFIDENCE


@dataclass(frozen=True)
class Mean:
    """A mean in the unit of its values; the interval is null with fewer than two of them."""

    value: float
    low: float | None
    high: float | None


def mean(values: Sequence[float], confidence: float = CONFIDENCE) -> Mean | None:
    """The mean of values that are independent of each other (one per slice), or None of none."""
    if not values:
        return None
    centre = math.fsum(values) / len(values)
    if len(values) < 2:
        return Mean(centre, None, None)
    from scipy.stats import t

    variance = math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)
    half = float(t.ppf(0.5 + confidence / 2.0, len(values) - 1)) * math.sqrt(variance / len(values))
    return Mean(centre, max(0.0, centre - half) if min(values) >= 0.0 else centre - half, centre + half)
