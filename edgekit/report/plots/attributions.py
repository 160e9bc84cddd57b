"""What each method says of each step of a sample: a row of bars a method, over the same steps."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from edgekit.report.plots.canvas import FONT_POINTS, MUTED, SERIES, add_axes, new_figure
from edgekit.report.plots.scales import linear_axis
from edgekit.report.plots.steps import below, name_steps, named

_PANEL, _GAP, _TOP = 0.85, 0.42, 0.32


def draw(rows: Sequence[tuple[str, Sequence[float]]], labels: Sequence[str]) -> tuple[Figure, str]:
    """The figure, drawn inside :func:`edgekit.report.plots.canvas.style`, and how it shows what it shows.

    Args:
        rows: the name of each method with one share a step.
        labels: of the steps.
    """
    names = named(labels)
    under = 0.25 + below(names)
    figure = new_figure(_TOP + len(rows) * _PANEL + (len(rows) - 1) * _GAP + under)
    for index, (name, values) in enumerate(rows):
        axes = add_axes(figure, left=0.55, bottom=0.0, top=_TOP + index * (_PANEL + _GAP), height=_PANEL)
        axes.bar(range(len(names)), [100.0 * value for value in values], color=SERIES[index % len(SERIES)], width=0.75)
        low, high = min(0.0, *values) * 100.0, max(0.0, *values) * 100.0
        space = 0.08 * ((high - low) or 1.0)
        linear_axis(axes, "y", low - (space if low < 0.0 else 0.0), high + space)
        axes.axhline(0.0, color=MUTED, linewidth=0.8)
        axes.set_xlim(-0.6, len(names) - 0.4)
        axes.grid(visible=False, axis="x")
        axes.text(-0.5 / 3.15, 1.06, f"{name} (%)", transform=axes.transAxes, va="bottom", fontsize=FONT_POINTS)
        name_steps(axes.xaxis, names, told=index == len(rows) - 1)
    return (
        figure,
        f"Bars over the {len(names)} steps of the sample, one panel each for {', '.join(n for n, _ in rows)}.",
    )
