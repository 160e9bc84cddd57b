"""Axes in units that people read: few round ticks, limits that hold the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

_STEPS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
_MOST_TICKS = 6
_FEWEST_TICKS = 3


def log_axis(axes: Axes, which: Literal["x", "y"], low: float, high: float, pad: float = 0.06) -> None:
    """A logarithmic axis from ``low`` to ``high`` (both positive, in the axis' unit) with a little room."""
    room = max((math.log10(high) - math.log10(low)) * pad, 0.02)
    first, last = low / 10**room, high * 10**room
    if which == "x":
        axes.set_xscale("log")
        axes.set_xlim(first, last)
    else:
        axes.set_yscale("log")
        axes.set_ylim(first, last)
    set_ticks(axes, which, log_ticks(first, last))


def linear_axis(axes: Axes, which: Literal["x", "y"], low: float, high: float, unit: str = "") -> None:
    """A linear axis from ``low`` to ``high`` with round ticks, each with ``unit`` behind it."""
    if which == "x":
        axes.set_xlim(low, high)
    else:
        axes.set_ylim(low, high)
    ticks = [float(tick) for tick in MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]
    set_ticks(axes, which, [tick for tick in ticks if low - 1e-9 <= tick <= high + 1e-9], unit)


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from ``low`` to ``high``: the finest of 1, 1-3, 1-2-5 and so on that stays readable."""
    best: list[float] = []
    for steps in _STEPS:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]
        if len(ticks) > _MOST_TICKS:
            break
        best = ticks
        if len(best) >= _FEWEST_TICKS + 1:
            break
    if len(best) < _FEWEST_TICKS:
        linear = MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        best = [float(tick) for tick in linear if low <= tick <= high]
    while len(best) > _MOST_TICKS:
        best = best[::2]
    return best


def positive(values: Sequence[float | None]) -> list[float]:
    """What a logarithmic axis can show."""
    return [value for value in values if value is not None and value > 0]


def set_ticks(axes: Axes, which: Literal["x", "y"], ticks: Sequence[float], unit: str = "") -> None:
    """Exactly these ticks, each with ``unit`` behind it."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FixedFormatter([f"{tick:.6g}{unit}" for tick in ticks]))
    axis.set_tick_params(length=0, pad=4)
