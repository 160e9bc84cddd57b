"""Uncertainty of ratios, on the logarithmic scale.

The logarithm of a ratio of two independent figures has the half-widths of both added in squares (the delta method).
"""

from __future__ import annotations

import math


def log_half_width(value: float, low: float | None, high: float | None) -> float:
    """The larger half of the interval of ln ``value``, all of them positive; an end that is missing is the value."""
    up = 0.0 if high is None else math.log(high / value)
    down = 0.0 if low is None else math.log(value / low)
    return max(up, down, 0.0)
