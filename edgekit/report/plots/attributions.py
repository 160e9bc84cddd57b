"""What each method says of each step of a sample: a row of bars a method, over the same steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator

from edgekit.report.plots.canvas import FONT_POINTS, MUTED, SERIES, add_axes, new_figure
from edgekit.report.plots.scales import linear_axis
from edgekit.report.text import shorten

_PANEL, _GAP, _TOP = 0.85, 0.42, 0.32
_MOST_NAMES: Final = 16
_LONGEST: Final = 12


def draw(rows: Sequence[tuple[str, Sequence[float]]], labels: Sequence[str]) -> tuple[Figure, str]:
    """The figure, drawn inside :func:`edgekit.report.plots.canvas.style`, and how it shows what it shows.

    Args:
        rows: the name of each method with one share a step.
        labels: of the steps.
    """
    names = [shorten(label, _LONGEST) for label in labels]
    below = 0.25 + 0.085 * max(map(len, names))
    figure = new_figure(_TOP + len(rows) * _PANEL + (len(rows) - 1) * _GAP + below)
    shown = range(len(names)) if len(names) <= _MOST_NAMES else range(0, len(names), -(-len(names) // 8))
    for index, (name, values) in enumerate(rows):
        axes = add_axes(figure, left=0.55, bottom=0.0, top=_TOP + index * (_PANEL + _GAP), height=_PANEL)
        axes.bar(range(len(names)), [100.0 * value for value in values], color=SERIES[index % len(SERIES)], width=0.75)
        low, high = min(0.0, *values) * 100.0, max(0.0, *values) * 100.0
        room = 0.08 * ((high - low) or 1.0)
        linear_axis(axes, "y", low - (room if low < 0.0 else 0.0), high + room)
        axes.axhline(0.0, color=MUTED, linewidth=0.8)
        axes.set_xlim(-0.6, len(names) - 0.4)
        axes.grid(visible=False, axis="x")
        axes.text(-0.5 / 3.15, 1.06, f"{name} (%)", transform=axes.transAxes, va="bottom", fontsize=FONT_POINTS)
        axes.xaxis.set_major_locator(FixedLocator(list(shown)))
        last = index == len(rows) - 1
        axes.xaxis.set_major_formatter(FixedFormatter([names[place] if last else "" for place in shown]))
        axes.xaxis.set_tick_params(length=0, pad=3, labelrotation=90)
    return (
        figure,
        f"Bars over the {len(names)} steps of the sample, one panel each for {', '.join(n for n, _ in rows)}.",
    )
