"""Latency over the length, and over the batch, with intervals and where one family overtakes the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes

from edgekit.decision.setup import setup_of
from edgekit.decision.words import crossover_text
from edgekit.report.evidence import Evidence, Row
from edgekit.report.plots import scatter
from edgekit.report.plots.canvas import FONT_POINTS, INK, SHADE, add_axes, new_figure
from edgekit.report.plots.contract import Drawing, Omitted
from edgekit.report.plots.looks import looks
from edgekit.report.plots.scales import log_axis, set_ticks
from edgekit.terminal.format import SECONDS, Unit, interval, number, seconds, unit_for
from edgekit_targets.types.profile import Crossover, Latency

_KEY, _TITLE = "sweep", "Latency over length and batch"
_PANEL, _GAP = 2.3, 0.75
_MOST_CURVES = 10
_LINE_POINTS = 9.0
_MOST_TICKS = 8

Over = Literal["length", "batch"]
_NAMES: dict[Over, str] = {"length": "steps of one sequence", "batch": "sequences at once"}


@dataclass(frozen=True)
class _Curve:
    """One candidate over what was swept, in rising order."""

    row: Row
    points: tuple[tuple[int, Latency], ...]


def draw(evidence: Evidence, rows: Sequence[Row]) -> Drawing | Omitted:
    """A panel for each dimension that was measured at two places or more."""
    panels = [(over, curves) for over in _NAMES if (curves := _curves(evidence, rows, over))]
    if not panels:
        return Omitted(
            key=_KEY,
            title=_TITLE,
            reason="Only one length and one batch were measured; edgekit profile --length 16,64,256 or --batch 1,8 "
            "gives curves.",
        )
    drawn = [curve.row for _, curves in panels for curve in curves[:_MOST_CURVES]]
    shown = [row for row in rows if row in drawn]
    top = scatter.legend_inches(shown) + 0.3
    figure = new_figure(top + len(panels) * (_PANEL + _GAP) - 0.2)
    scatter.legend(figure, shown, 0.0)
    medians = [latency.p50_seconds for _, curves in panels for curve in curves for _, latency in curve.points]
    unit = unit_for(SECONDS, sorted(medians)[len(medians) // 2])
    look_of = looks(rows)
    captions = []
    for index, (over, curves) in enumerate(panels):
        axes = add_axes(figure, left=0.5, bottom=0, top=top + index * (_PANEL + _GAP), height=_PANEL)
        crossed = _crossover(evidence, rows, over)
        _panel(axes, curves[:_MOST_CURVES], over, unit, crossed)
        for curve in curves[:_MOST_CURVES]:
            _line(axes, curve, unit, look_of[curve.row.number].settings() | {"markersize": 5.0})
        _numbers(axes, curves[:_MOST_CURVES], unit)
        captions.append(_caption(curves, over, crossed))
    return Drawing(
        key=_KEY,
        title=_TITLE,
        caption=" ".join(captions),
        description=(
            f"Lines of the median time of one inference in {unit.name} over "
            f"{' and '.join(over for over, _ in panels)}, "
            "both axes logarithmic; bars are 95 % intervals, a dashed line with a shaded band is where one family "
            "overtakes the other."
        ),
        figure=figure,
    )


def _curves(evidence: Evidence, rows: Sequence[Row], over: Over) -> list[_Curve]:
    """Of each row the newest valid figure at every value of ``over``, the other dimension being the page's own."""
    found = []
    for row in rows:
        if row.measurement is None or row.artifact is None:
            continue
        points: dict[int, Latency] = {}
        for profile in reversed(evidence.profiles):  # oldest first, so that the newest stays
            for one in profile.measurements:
                alike = setup_of(one) == setup_of(row.measurement) and one.sha256 == row.artifact.sha256
                held = one.batch == evidence.batch if over == "length" else one.length == row.measurement.length
                if alike and held and one.valid and one.latency is not None:
                    points[one.length if over == "length" else one.batch] = one.latency
        if len(points) > 1:
            found.append(_Curve(row, tuple(sorted(points.items()))))
    return found


def _panel(axes: Axes, curves: Sequence[_Curve], over: Over, unit: Unit, crossed: Crossover | None) -> None:
    xs = sorted({x for curve in curves for x, _ in curve.points})
    ends = [
        end / unit.factor
        for curve in curves
        for _, one in curve.points
        for end in (one.p50_seconds, one.p50_low_seconds, one.p50_high_seconds)
        if end is not None and end > 0
    ]
    log_axis(axes, "x", xs[0], xs[-1])
    if len(xs) <= _MOST_TICKS:
        set_ticks(axes, "x", xs)
    log_axis(axes, "y", min(ends), max(ends))
    axes.set_xlabel(f"{over}: {_NAMES[over]} (log scale)")
    title = f"p50 ({unit.name}, log scale)"
    axes.text(-0.5 / 3.2, 1.03, title, transform=axes.transAxes, va="bottom", fontsize=FONT_POINTS)
    if crossed is not None and crossed.length is not None:
        left, right = axes.get_xlim()
        low = left if crossed.length_low is None else crossed.length_low
        high = right if crossed.length_high is None else crossed.length_high
        axes.axvspan(low, high, facecolor=SHADE, edgecolor="none", zorder=0)
        axes.axvline(crossed.length, color=INK, linewidth=1.1, linestyle="--", zorder=1)


def _line(axes: Axes, curve: _Curve, unit: Unit, settings: dict[str, Any]) -> None:
    xs = [x for x, _ in curve.points]
    ys = [one.p50_seconds / unit.factor for _, one in curve.points]
    axes.plot(xs, ys, linewidth=1.3, zorder=3, **settings)
    for x, one in curve.points:
        ends = [(end or one.p50_seconds) / unit.factor for end in (one.p50_low_seconds, one.p50_high_seconds)]
        axes.plot([x, x], ends, color=settings["color"], linewidth=1.3, zorder=2)


def _numbers(axes: Axes, curves: Sequence[_Curve], unit: Unit) -> None:
    """Each curve's number at its end, moved up where two would cover each other."""
    ends = {curve.row.number: (curve.points[-1][0], curve.points[-1][1].p50_seconds / unit.factor) for curve in curves}
    lowest = -math.inf
    for number_, end in sorted(ends.items(), key=lambda item: item[1][1]):
        y = float(axes.transData.transform(end)[1])
        lowest = max(y - 3, lowest + _LINE_POINTS)
        place = (6, lowest - y)
        axes.annotate(str(number_), end, place, textcoords="offset points", fontsize=FONT_POINTS - 1.5)


def _crossover(evidence: Evidence, rows: Sequence[Row], over: Over) -> Crossover | None:
    """The first of the newest run that speaks of two models in the rows' mode: each at its best, if there is that."""
    mode = rows[0].mode
    for profile in evidence.profiles:
        for one in profile.crossovers:
            held = one.batch == evidence.batch if over == "length" else one.steps == evidence.length or mode == "stream"
            if one.over == over and one.modes == (mode, mode) and held and one.longest > one.shortest:
                return one
    return None


def _caption(curves: Sequence[_Curve], over: Over, crossed: Crossover | None) -> str:
    def growth(curve: _Curve) -> float:
        return curve.points[-1][1].p50_seconds / curve.points[0][1].p50_seconds

    steepest = max(curves, key=growth)
    (x0, first), (x1, last) = steepest.points[0], steepest.points[-1]
    p50 = interval(last.p50_seconds, last.p50_low_seconds, last.p50_high_seconds, seconds)
    caption = (
        f"Over the {over}, {steepest.row.label} grows the most: p50 {seconds(first.p50_seconds)} at {x0}, "
        f"{p50} at {x1}, {number(growth(steepest))} times that."
    )
    if crossed is not None:
        caption += f" {crossover_text(crossed)}"
    left = len(curves) - _MOST_CURVES
    return caption + (f" {left} more curves are not drawn." if left > 0 else "")
