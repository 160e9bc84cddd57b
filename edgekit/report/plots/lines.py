"""Lines with intervals over one axis, from the data of a round."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from edgekit.report.plots.canvas import FONT_POINTS, INK, SERIES, add_axes, new_figure
from edgekit.report.plots.looks import Look
from edgekit.report.plots.scales import linear_axis, log_axis, set_ticks
from edgekit.report.text import clean, shorten
from edgekit.rounds.contract import Curve, Plot
from edgekit.terminal.format import SECONDS, unit_for

_FAMILIES = ("lstm", "transformer", "linear", "conv")
_SHAPES = ("o", "s", "^", "D")
_HEIGHT, _LEGEND_ROW, _TOP, _BOTTOM = 2.5, 0.2, 0.32, 0.55
_MOST_TICKS = 8
_LEGEND_CHARACTERS = 34


def draw(plot: Plot) -> tuple[Figure, str]:
    """The figure, drawn inside :func:`edgekit.report.plots.canvas.style`, and how it shows what it shows."""
    rows = -(-len(plot.curves) // _columns(plot))
    legend = _LEGEND_ROW * rows
    figure = new_figure(legend + _TOP + _HEIGHT + _BOTTOM)
    axes = add_axes(figure, left=0.55, bottom=_BOTTOM, top=legend + _TOP)
    factor, unit = _scale(plot)
    _axes(axes, plot, factor)
    lines = [_line(axes, curve, factor) for curve in plot.curves]
    if plot.level is not None:
        axes.axhline(plot.level / factor, color=INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    axes.set_xlabel(f"{clean(plot.x_label)}{' (log scale)' if plot.x_log else ''}")
    label = f"{clean(plot.y_label)}{f' ({unit})' if unit else ''}{', log scale' if plot.y_log else ''}"
    axes.text(-0.5 / 3.15, 1.03, label, transform=axes.transAxes, va="bottom", fontsize=FONT_POINTS)
    figure.legend(
        lines,
        [shorten(curve.name, _LEGEND_CHARACTERS) for curve in plot.curves],
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=_columns(plot),
        frameon=False,
        borderpad=0,
        borderaxespad=0.1,
        handletextpad=0.3,
        handlelength=1.8,
        columnspacing=0.8,
        labelspacing=0.25,
        fontsize=FONT_POINTS - 0.5,
    )
    names = ", ".join(curve.name for curve in plot.curves)
    return figure, f"Lines of {plot.y_label} over {plot.x_label} for {names}; bars are 95 % intervals."


def _columns(plot: Plot) -> int:
    longest = max((len(curve.name) for curve in plot.curves), default=0)
    return 3 if longest <= 11 else 2 if longest <= 20 else 1


def _scale(plot: Plot) -> tuple[float, str]:
    """By what values are divided, and the unit's name."""
    if plot.y_unit in ("share", "difference"):
        return 0.01, "%" if plot.y_unit == "share" else "points"
    if plot.y_unit == "seconds":
        values = sorted(y for curve in plot.curves for y in curve.y)
        unit = unit_for(SECONDS, values[len(values) // 2]) if values else SECONDS[1]
        return unit.factor, unit.name
    return 1.0, ""


def _axes(axes: Axes, plot: Plot, factor: float) -> None:
    xs = sorted({x for curve in plot.curves for x in curve.x})
    ends = [
        end / factor
        for curve in plot.curves
        for side in (curve.y, curve.low, curve.high)
        for end in side
        if end is not None
    ]
    if plot.x_log:
        log_axis(axes, "x", xs[0], xs[-1])
        if len(xs) <= _MOST_TICKS:
            set_ticks(axes, "x", xs)
    else:
        room = 0.03 * (xs[-1] - xs[0] or 1.0)
        linear_axis(axes, "x", xs[0] - room, xs[-1] + room)
    if plot.y_log:
        log_axis(axes, "y", min(end for end in ends if end > 0), max(ends))
    elif plot.y_unit == "share":
        linear_axis(axes, "y", 0.0, 103.0)
    else:
        room = 0.05 * (max(ends) - min(ends) or 1.0)
        linear_axis(axes, "y", min(ends) - room, max(ends) + room)


def _line(axes: Axes, curve: Curve, factor: float) -> Line2D:
    index = _FAMILIES.index(curve.family) if curve.family in _FAMILIES else len(_FAMILIES) - 1
    color = SERIES[index]
    settings = Look(color, _SHAPES[index], "none" if curve.dashed else "full").settings() | {"markersize": 5.0}
    (line,) = axes.plot(
        curve.x,
        [y / factor for y in curve.y],
        linewidth=1.3,
        linestyle="--" if curve.dashed else "-",
        zorder=3,
        **settings,
    )
    for x, y, low, high in zip(curve.x, curve.y, curve.low, curve.high, strict=True):
        ends = [(y if end is None else end) / factor for end in (low, high)]
        axes.plot([x, x], ends, color=color, linewidth=1.3, zorder=2)
    return line
