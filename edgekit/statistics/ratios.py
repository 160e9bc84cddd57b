"""Uncertainty of ratios, on the logarithmic scale.

The logarithm of a ratio of two independent figures has the half-widths of both added in squares (the delta method).
"""

from __future__ import annotations

import math


def log_half_width(value: float, low: float | None, high: float | None) -> float:
    """The larger half of the interval of ln ``value``, all of them positive; infinite where an end is missing."""
    if low is None or high is None:
        return math.inf
    return max(math.log(high / value), math.log(value / low), 0.0)
