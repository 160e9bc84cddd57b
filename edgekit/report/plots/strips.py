"""One strip a candidate, its name above it: what the row charts share. So a phone's width is left to the data."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgekit.report.evidence import Row
from edgekit.report.plots import scatter
from edgekit.report.plots.canvas import FONT_POINTS, add_axes, new_figure

MOST_ROWS = 16
_ROW_INCHES, _TOP, _BOTTOM = 0.42, 0.62, 0.5
NAME_CHARACTERS = 34


def shown(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows a figure has room for: those that come first, the pick among them."""
    return rows[:MOST_ROWS]


def left_out(rows: Sequence[Row]) -> str:
    """The words for the rows without room."""
    more = len(rows) - MOST_ROWS
    return f" The first {MOST_ROWS} of {len(rows)} candidates are drawn; the tables have all." if more > 0 else ""


def limit_line(axes: Axes, rows: Sequence[Row], value: float, text: str) -> None:
    """An upper limit at ``value`` in the axis' unit: a dashed line through the strips, not through the names."""
    pieces = [(-index - 0.3, -index + 0.14) for index in range(len(rows))]
    scatter.limit_line(axes, vertical=True, value=value, text=text, upper=True, pieces=pieces)


def strips(rows: Sequence[Row], names: Sequence[str]) -> tuple[Figure, Axes]:
    """A figure with a strip for each row; row ``i`` lies at y = ``-i``, its strip from -0.28 to +0.12 around it."""
    figure = new_figure(_TOP + _BOTTOM + _ROW_INCHES * len(rows))
    axes = add_axes(figure, left=0.16, bottom=_BOTTOM, top=_TOP, right=0.2)
    axes.set_ylim(-len(rows) + 0.55, 0.6)
    axes.set_yticks([])
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    for index, (row, name) in enumerate(zip(rows, names, strict=True)):
        axes.text(
            0.0,
            -index + 0.33,
            name,
            transform=axes.get_yaxis_transform(),
            ha="left",
            va="center",
            fontweight="bold" if row.picked else "normal",
            fontsize=FONT_POINTS - 0.5,
            zorder=6,
        )
    return figure, axes
