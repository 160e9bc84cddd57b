"""Points with their intervals, the budget's limits and a number at each point: what the scatter plots share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.transforms import IdentityTransform

from edgekit.report.evidence import Row
from edgekit.report.plots.canvas import FONT_POINTS, HOVER, INK, MUTED, SHADE
from edgekit.report.plots.labels import Box, place
from edgekit.report.plots.looks import legend_lines, looks
from edgekit.report.text import clean
from edgekit.terminal.format import formatter_for, interval, seconds, size

LEGEND_ROW_INCHES = 0.2
_MOST_NUMBERS = 20
_SHORT_NAME = 11
_CHARACTER_POINTS = 5.6
_SMALLEST, _LARGEST = 4.5, 13.0  # diameters in points


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A point in the axes' units; bounds that are not known are None."""

    row: Row
    x: float
    y: float
    x_low: float | None = None
    x_high: float | None = None
    y_low: float | None = None
    y_high: float | None = None
    area: float | None = None
    """Share of the largest area; None draws a point of the usual size."""


def legend_inches(rows: Sequence[Row]) -> float:
    """The height that :func:`legend` takes."""
    entries = legend_lines(rows)
    return LEGEND_ROW_INCHES * -(-len(entries) // _columns(entries))


def _columns(entries: Sequence[tuple[Line2D, str]]) -> int:
    return 3 if max(len(name) for _, name in entries) <= _SHORT_NAME else 2


def legend(figure: Figure, rows: Sequence[Row], left_inches: float) -> None:
    """Families and targets, two or three a line, at the top of the figure."""
    entries = legend_lines(rows)
    lines, names = zip(*entries, strict=True)
    figure.legend(
        lines,
        names,
        loc="upper left",
        bbox_to_anchor=(left_inches / figure.get_figwidth(), 1.0),
        ncols=_columns(entries),
        frameon=False,
        borderpad=0,
        borderaxespad=0.1,
        handletextpad=0.1,
        handlelength=1.4,
        columnspacing=0.7,
        labelspacing=0.25,
        fontsize=FONT_POINTS - 0.5,
    )


def limit_line(
    axes: Axes,
    *,
    vertical: bool,
    value: float,
    text: str,
    upper: bool,
    avoid: Sequence[Mark] = (),
    pieces: Sequence[tuple[float, float]] = (),
) -> None:
    """A limit of the budget and, shaded, the side that breaks it. Axis limits are final when this is called.

    Args:
        axes: to draw on.
        vertical: whether it limits x.
        value: in the axis' unit.
        text: its name.
        upper: whether larger values break it.
        avoid: points that the name of a horizontal line should not cover.
        pieces: of a vertical line, the parts to draw (from, to), where what stands between them is to be read.
    """
    low, high = axes.get_xlim() if vertical else axes.get_ylim()
    inside = low <= value <= high
    span, line = (axes.axvspan, axes.axvline) if vertical else (axes.axhspan, axes.axhline)
    first, last = (max(value, low), high) if upper else (low, min(value, high))
    if first < last:
        span(first, last, facecolor=SHADE, edgecolor="none", zorder=0)
    if inside and pieces:
        for ends in pieces:
            axes.plot([value, value], ends, color=INK, linewidth=1.1, linestyle=(0, (4, 3)), zorder=3)
    elif inside:
        line(value, color=INK, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
    shown = min(max(value, low), high)
    if vertical:
        _name_vertical(axes, shown, text if inside else f"{text} →" if value > high else f"← {text}")
    else:
        _name_horizontal(axes, shown, text if inside else f"{text} {'↑' if value > high else '↓'}", avoid)


def _name_vertical(axes: Axes, value: float, text: str) -> None:
    """Above the axes, at the line, and within their width."""
    share = axes.transAxes.inverted().transform(axes.transData.transform((value, axes.get_ylim()[0])))[0]
    align: Literal["left", "center", "right"] = "right" if share > 0.6 else "left" if share < 0.4 else "center"
    where = axes.get_xaxis_transform()
    axes.text(value, 1.01, text, transform=where, ha=align, va="bottom", fontsize=FONT_POINTS - 1, zorder=6)


def _name_horizontal(axes: Axes, value: float, text: str, avoid: Sequence[Mark]) -> None:
    """Beside the line where it covers the fewest points: at the right, left or middle, above or below."""
    frame = axes.bbox
    line = float(axes.transData.transform((axes.get_xlim()[0], value))[1])
    wide, tall = _CHARACTER_POINTS * len(text), FONT_POINTS + 2
    taken = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in (axes.transData.transform((m.x, m.y)) for m in avoid)]
    best: tuple[float, float, float] | None = None
    for left in (frame.x1 - wide - 2, frame.x0 + 2, (frame.x0 + frame.x1 - wide) / 2):
        for bottom in (line + 1, line - tall - 1):
            box = Box(left, bottom, left + wide, bottom + tall)
            outside = bottom < frame.y0 or bottom + tall > frame.y1
            cost = sum(box.overlap(other) for other in taken) + (1e6 if outside else 0.0)
            if best is None or cost < best[0]:
                best = (cost, left + wide / 2, bottom + tall / 2)
    if best is not None:
        where = IdentityTransform()
        axes.text(
            *best[1:], text, transform=where, ha="center", va="center_baseline", fontsize=FONT_POINTS - 1, zorder=6
        )


def numbering(points: int) -> str:
    """The words for points without a number, where there are too many for all to have one."""
    return " Only candidates that no other beats on both axes are numbered." if points > _MOST_NUMBERS else ""


def points(axes: Axes, marks: Sequence[Mark], rows: Sequence[Row], *, better_up: bool) -> None:
    """Draw the marks, ring the pick and number them.

    Args:
        axes: with final limits.
        marks: what is drawn.
        rows: all of the figure's, so that looks stay the same.
        better_up: whether higher is better; to the left always is.
    """
    look_of = looks(rows)
    pixels = [axes.transData.transform((mark.x, mark.y)) for mark in marks]
    names = [text.get_window_extent() for text in axes.texts]
    obstacles = [Box(one.x0, one.y0, one.x1, one.y1) for one in names]
    obstacles += [box for mark in marks for box in _bars(axes, mark, look_of[mark.row.number].color)]
    for mark, (x, y) in zip(marks, pixels, strict=True):
        settings = look_of[mark.row.number].settings()
        if mark.area is not None:
            settings["markersize"] = max(_SMALLEST, _LARGEST * math.sqrt(mark.area))
        (drawn,) = axes.plot([mark.x], [mark.y], **settings, linestyle="none", zorder=4)
        drawn.set_gid(HOVER + hover_text(mark.row))
        half = settings["markersize"] / 2 + 1
        obstacles.append(Box(x - half, y - half, x + half, y + half))
        if mark.row.picked:
            ring = Circle(
                (x, y),
                settings["markersize"] / 2 + 4,
                transform=IdentityTransform(),
                facecolor="none",
                edgecolor=INK,
                linewidth=1.3,
            )
            axes.add_artist(ring)
            ring.set_zorder(5)
    if len(marks) > _MOST_NUMBERS:
        numbered = [index for index, mark in enumerate(marks) if mark.row.picked or not _beaten(mark, marks, better_up)]
        obstacles += [Box(x - 4, y - 4, x + 4, y + 4) for x, y in pixels]
        marks, pixels = [marks[index] for index in numbered], [pixels[index] for index in numbered]
    texts = [f"{mark.row.number} pick" if mark.row.picked else str(mark.row.number) for mark in marks]
    bounds = axes.bbox
    frame = Box(bounds.x0, bounds.y0, bounds.x1, bounds.y1)
    places = place([(float(x), float(y)) for x, y in pixels], texts, obstacles, frame)
    for mark, (x, y), text, spot in zip(marks, pixels, texts, places, strict=True):
        if spot.leader:
            leader = Line2D([x, spot.x], [y, spot.y], transform=IdentityTransform(), color=MUTED, linewidth=0.6)
            axes.add_artist(leader)
            leader.set_zorder(2)
        axes.text(
            spot.x,
            spot.y,
            text,
            transform=IdentityTransform(),
            ha="center",
            va="center_baseline",
            fontweight="bold" if mark.row.picked else "normal",
            zorder=6,
        )


def front(axes: Axes, marks: Sequence[Mark]) -> None:
    """A stepped line through the points that no other beats; to the left and up is better."""
    best = sorted(
        (mark for mark in marks if not _beaten(mark, marks, better_up=True)), key=lambda mark: (mark.x, mark.y)
    )
    if len(best) > 1:
        axes.plot(
            [mark.x for mark in best],
            [mark.y for mark in best],
            drawstyle="steps-post",
            color=MUTED,
            linewidth=1.0,
            linestyle=":",
            zorder=2,
        )


def hover_text(row: Row) -> str:
    """What a pointer that rests on a point is told: the candidate with all its figures."""
    one, latency = row.measurement, row.latency
    lines = [row.label]
    if latency is not None:
        p50 = interval(latency.p50_seconds, latency.p50_low_seconds, latency.p50_high_seconds, seconds)
        p99 = interval(latency.p99_seconds, latency.p99_low_seconds, latency.p99_high_seconds, seconds)
        lines += [f"p50 {p50}", f"p99 {p99}"]
    if one is not None:
        lines.append(f"memory {interval(row.added_bytes, one.memory_low_bytes, one.memory_high_bytes, size)}")
        cpu = (
            one.cpu_seconds_per_inference,
            one.cpu_low_seconds_per_inference,
            one.cpu_high_seconds_per_inference,
        )
        lines.append(f"CPU time {interval(*cpu, seconds)}")
    if row.artifact is not None:
        lines.append(f"file {size(row.artifact.size_bytes)}")
        for split, found in (("test", row.artifact.accuracy), ("validation", row.artifact.accuracy_validation)):
            if found is not None:
                told = interval(found.value, found.low, found.high, formatter_for(found.metric))
                lines.append(f"{found.metric} ({split}) {told}")
    if row.candidate is not None:
        lines.append(f"limits: {row.candidate.status}")
    return clean("; ".join(lines))


def _beaten(mark: Mark, marks: Sequence[Mark], better_up: bool) -> bool:
    sign = -1.0 if better_up else 1.0
    mine = (mark.x, sign * mark.y)
    return any(
        other.x <= mine[0] and sign * other.y <= mine[1] and (other.x, sign * other.y) != mine for other in marks
    )


def _bars(axes: Axes, mark: Mark, color: str) -> list[Box]:
    boxes = []
    bounds = (
        ((mark.x_low, mark.x_high), lambda value: (value, mark.y), mark.x),
        ((mark.y_low, mark.y_high), lambda value: (mark.x, value), mark.y),
    )
    for (low, high), at, value in bounds:
        if low is None and high is None:
            continue
        ends = [at(value if end is None else end) for end in (low, high)]
        axes.plot(*zip(*ends, strict=True), color=color, linewidth=1.2, alpha=0.75, zorder=3, solid_capstyle="butt")
        (x0, y0), (x1, y1) = (axes.transData.transform(end) for end in ends)
        boxes.append(Box(x0 - 1, y0 - 1, x1 + 1, y1 + 1))
    return boxes
