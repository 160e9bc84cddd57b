"""Memory against file size: what the model adds, and below it the peak of the whole process."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from edgekit.report.evidence import Evidence, Row
from edgekit.report.plots import scatter
from edgekit.report.plots.canvas import FONT_POINTS, add_axes, new_figure
from edgekit.report.plots.contract import Drawing, Omitted
from edgekit.report.plots.scales import linear_axis, log_axis
from edgekit.report.plots.scatter import Mark
from edgekit.terminal.format import BYTES, Unit, interval, number, size, unit_for
from edgekit.terminal.format import limit as format_limit

_KEY, _TITLE = "memory-size", "Memory against file size"
_PANEL = 1.75


def draw(evidence: Evidence, rows: Sequence[Row]) -> Drawing | Omitted:
    """Two panels over one axis of file sizes."""
    weighed = [
        row for row in rows if row.added_bytes is not None and row.artifact is not None and row.artifact.size_bytes
    ]
    if not weighed:
        return Omitted(key=_KEY, title=_TITLE, reason="No candidate has a measured memory.")
    sizes = sorted(_file(row) for row in weighed)
    unit = unit_for(BYTES, sizes[len(sizes) // 2])
    top = scatter.legend_inches(rows) + 0.5
    figure = new_figure(top + 2 * _PANEL + 0.55 + 0.5)
    scatter.legend(figure, rows, 0.0)
    upper = add_axes(figure, left=0.42, bottom=0, top=top, height=_PANEL)
    lower = add_axes(figure, left=0.42, bottom=0, top=top + _PANEL + 0.55, height=_PANEL)
    for axes in (upper, lower):
        log_axis(axes, "x", sizes[0] / unit.factor, sizes[-1] / unit.factor, pad=0.08)
    added = [(row, row.added_bytes, "memory") for row in weighed]
    process = [(row, row.process_bytes, "process_memory") for row in weighed]
    added_unit = _panel(evidence, upper, added, unit, rows, "added by the model, peak")
    process_unit = _panel(evidence, lower, process, unit, rows, "whole process, peak")
    upper.tick_params(labelbottom=False)
    lower.set_xlabel(f"size of the .onnx file ({unit.name}, log scale)")
    caption = _caption(weighed)
    return Drawing(
        key=_KEY,
        title=_TITLE,
        caption=caption,
        description=(
            f"Two scatter plots over the file size in {unit.name} on a logarithmic axis: above, the memory a model "
            f"adds in {added_unit.name}, below the whole process in {process_unit.name}; bars are the launches' range."
        ),
        figure=figure,
    )


def _panel(
    evidence: Evidence,
    axes: Axes,
    figures: Sequence[tuple[Row, int | None, str]],
    unit: Unit,
    rows: Sequence[Row],
    title: str,
) -> Unit:
    heaviest = max(value or 0 for _, value, _ in figures)
    mega = unit_for(BYTES, heaviest) if heaviest else BYTES[2]
    marks = []
    for row, value, name in figures:
        low, high = _bounds(row, name)
        marks.append(
            Mark(
                row=row,
                x=_file(row) / unit.factor,
                y=(value or 0) / mega.factor,
                y_low=None if low is None else low / mega.factor,
                y_high=None if high is None else high / mega.factor,
            )
        )
    ends = [end for mark in marks for end in (mark.y, mark.y_low, mark.y_high) if end is not None]
    name = figures[0][2]
    limit = evidence.limit(name)
    bottom, top = (0.0, max(ends)) if name == "memory" else (min(ends), max(ends))
    if limit is not None and limit.value / mega.factor <= 2.5 * top:
        top = max(top, limit.value / mega.factor)
    room = max((top - bottom) * 0.15, top * 0.02, 1e-6)
    linear_axis(axes, "y", bottom if bottom == 0.0 else max(0.0, bottom - room), top + room)
    axes.text(-0.42 / 3.28, 1.03, f"{title} ({mega.name})", transform=axes.transAxes, va="bottom", fontsize=FONT_POINTS)
    if limit is not None:
        text = f"budget ≤ {format_limit(limit.name, limit.value)}"
        scatter.limit_line(axes, vertical=False, value=limit.value / mega.factor, text=text, upper=True, avoid=marks)
    scatter.points(axes, marks, rows, better_up=False)
    return mega


def _caption(weighed: Sequence[Row]) -> str:
    lightest = min(weighed, key=lambda row: row.added_bytes or 0)
    heaviest = max(weighed, key=lambda row: row.added_bytes or 0)
    smallest = min(weighed, key=_file)
    largest = max(weighed, key=_file)
    text = interval(lightest.added_bytes, *_bounds(lightest, "memory"), size)
    caption = f"{lightest.label} adds the least memory, {text}"
    if heaviest is not lightest:
        caption += f", {heaviest.label} the most, {interval(heaviest.added_bytes, *_bounds(heaviest, 'memory'), size)}"
    if largest is not smallest and _file(largest) > _file(smallest):
        ratio = number(_file(largest) / _file(smallest))
        caption += f"; files range from {size(_file(smallest))} ({smallest.label}) to {size(_file(largest))}, "
        caption += f"{ratio} times that"
    processes = [row.process_bytes or 0 for row in weighed]
    whole = (
        size(min(processes))
        if min(processes) == max(processes)
        else f"{size(min(processes))} to {size(max(processes))}"
    )
    return f"{caption}; the whole process peaks at {whole}.{scatter.numbering(len(weighed))}"


def _bounds(row: Row, name: str) -> tuple[int | None, int | None]:
    one = row.measurement
    if one is None:
        return None, None
    if name == "memory":
        return one.memory_low_bytes, one.memory_high_bytes
    return one.process_memory_low_bytes, one.process_memory_high_bytes


def _file(row: Row) -> int:
    return row.artifact.size_bytes if row.artifact is not None else 0
