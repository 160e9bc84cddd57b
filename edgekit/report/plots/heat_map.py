"""Attention of one head as a heat map: what each step takes from each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgekit.report.plots.canvas import FONT_POINTS, WIDTH_INCHES, add_axes, new_figure
from edgekit.report.plots.steps import below, name_steps, named, room
from edgekit.terminal.format import percent

_COLORS: Final = "cividis"
"""Even in lightness, and read alike with all kinds of colour vision (Nunez, Anderton and Renslow 2018)."""
_BAR, _GAP = 0.14, 0.55


def draw(weights: Sequence[Sequence[float]], labels: Sequence[str], most: float) -> tuple[Figure, str]:
    """The figure, drawn inside :func:`edgekit.report.plots.canvas.style`, and how it shows what it shows.

    Args:
        weights: ``[query][key]``; rows add up to 1.
        labels: of the steps.
        most: the end of the colour scale, the same for all heads.
    """
    names = named(labels)
    left = 0.35 + room(names)
    side = WIDTH_INCHES - left - 0.1
    figure = new_figure(_GAP + side + 0.35 + below(names))
    axes = add_axes(figure, left=left, bottom=0.0, top=_GAP, right=0.1, height=side)
    axes.imshow(np.asarray(weights), cmap=_COLORS, vmin=0.0, vmax=most, interpolation="none", aspect="auto")
    axes.grid(visible=False)
    for axis in (axes.xaxis, axes.yaxis):
        name_steps(axis, names)
    axes.set_xlabel("from", labelpad=2)
    axes.set_ylabel("the step that takes", labelpad=2)
    _scale(add_axes(figure, left=left, bottom=0.0, top=0.18, right=0.1, height=_BAR), most)
    return figure, (
        f"A square of {len(names)} by {len(names)} cells: each row is a step, each column a step it takes from; the "
        f"lighter a cell, the more, from 0 to {percent(most)}."
    )


def _scale(axes: Axes, most: float) -> None:
    axes.imshow(np.linspace(0.0, most, 64)[None], cmap=_COLORS, interpolation="none", aspect="auto")
    axes.grid(visible=False)
    axes.set_axis_off()
    for x, text, side in ((0.0, "0 %", "left"), (1.0, percent(most), "right")):
        axes.text(x, 1.1, text, transform=axes.transAxes, ha=side, va="bottom", fontsize=FONT_POINTS - 1)
