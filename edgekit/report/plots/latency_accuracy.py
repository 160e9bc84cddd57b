"""p99 latency against accuracy; where no model has an accuracy, against the memory it adds."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.report.evidence import Evidence, Row
from edgekit.report.plots import scatter
from edgekit.report.plots.canvas import FONT_POINTS, add_axes, new_figure
from edgekit.report.plots.contract import Drawing, Omitted
from edgekit.report.plots.scales import linear_axis, log_axis, positive
from edgekit.report.plots.scatter import Mark
from edgekit.terminal.format import BYTES, SECONDS, Unit, formatter_for, interval, seconds, size, unit_for
from edgekit.terminal.format import limit as format_limit

_KEY, _MEMORY_TITLE = "latency-accuracy", "Latency against memory"
_FAR = 8.0  # a limit that many times beyond the data would squeeze it; it is named at the edge instead


def draw(evidence: Evidence, rows: Sequence[Row]) -> Drawing | Omitted:
    """Latency against accuracy of the rows that have both."""
    timed = [row for row in rows if row.latency is not None and row.latency.p99_seconds]
    judged = [row for row in timed if evidence.accuracy(row) is not None]
    if judged:
        return _accuracy(evidence, judged, rows)
    weighed = [row for row in timed if row.added_bytes is not None]
    if weighed:
        return _memory(evidence, weighed, rows)
    reason = "No candidate has a p99 latency together with an accuracy or a memory figure."
    return Omitted(key=_KEY, title="Latency against accuracy", reason=reason)


def _accuracy(evidence: Evidence, judged: Sequence[Row], rows: Sequence[Row]) -> Drawing:
    found = {row.number: accuracy for row in judged if (accuracy := evidence.accuracy(row)) is not None}
    metric = next(iter(found.values())).metric
    share = formatter_for(metric)(0.5).endswith("%")
    scale = 100.0 if share else 1.0
    unit = _unit(judged)
    heaviest = max(row.added_bytes or 0 for row in judged)
    marks = [
        Mark(
            row=row,
            x=_p99(row) / unit.factor,
            x_low=_bound(row, unit, lower=True),
            x_high=_bound(row, unit, lower=False),
            y=found[row.number].value * scale,
            y_low=found[row.number].low * scale,
            y_high=found[row.number].high * scale,
            area=None if not heaviest or row.added_bytes is None else row.added_bytes / heaviest,
        )
        for row in judged
    ]
    ends = [end for mark in marks for end in (mark.y_low, mark.y_high, mark.y) if end is not None]
    limit = evidence.limit("accuracy") or evidence.limit(metric)
    low, high = min(ends), max(ends)
    if limit is not None and low - (high - low) <= limit.value * scale <= high + (high - low):
        low, high = min(low, limit.value * scale), max(high, limit.value * scale)
    room = max((high - low) * 0.08, 0.5 if share else 1e-3)
    caption = _accuracy_caption(evidence, judged, rows)
    if heaviest:
        caption += f" The area of a point is the memory it adds, {size(heaviest)} for the largest."
    return _figure(
        evidence,
        rows,
        marks,
        unit,
        (low - room, min(high + room, 100.0 + room / 2) if share else high + room),
        (f"{metric} on the {evidence.split} split" + (" (%)" if share else ""), ""),
        (limit.value * scale, f"{metric} ≥ {format_limit(limit.name, limit.value)}", False)
        if limit is not None
        else None,
        Drawing(
            key=_KEY,
            title=f"Latency against {metric}",
            caption=caption,
            description=(
                f"Scatter plot: p99 latency of one inference in {unit.name} on a logarithmic axis, {metric} on the "
                f"{evidence.split} split; bars are 95 % intervals, dashed lines the budget, the shaded side breaks it. "
                "The area of a point is the memory it adds; a dotted line steps through those that no other beats."
            ),
            figure=new_figure(3.6 + scatter.legend_inches(rows)),
        ),
    )


def _memory(evidence: Evidence, weighed: Sequence[Row], rows: Sequence[Row]) -> Drawing:
    unit = _unit(weighed)
    heavy = max(row.added_bytes or 0 for row in weighed)
    mega = unit_for(BYTES, heavy)
    marks = [
        Mark(
            row=row,
            x=_p99(row) / unit.factor,
            x_low=_bound(row, unit, lower=True),
            x_high=_bound(row, unit, lower=False),
            y=(row.added_bytes or 0) / mega.factor,
            y_low=_scaled(row.measurement.memory_low_bytes if row.measurement else None, mega),
            y_high=_scaled(row.measurement.memory_high_bytes if row.measurement else None, mega),
        )
        for row in weighed
    ]
    limit = evidence.limit("memory")
    top = max(value for mark in marks for value in (mark.y, mark.y_high) if value is not None)
    if limit is not None and limit.value / mega.factor <= 2 * top:
        top = max(top, limit.value / mega.factor)
    fastest = min(weighed, key=_p99)
    lightest = min(weighed, key=lambda row: row.added_bytes or 0)
    caption = (
        f"No model here has an accuracy, so p99 is shown against memory: {fastest.label} is the fastest at "
        f"{p99_text(fastest)}, {lightest.label} adds the least memory, {memory_text(lightest)}."
        f"{scatter.numbering(len(weighed))}"
    )
    return _figure(
        evidence,
        rows,
        marks,
        unit,
        (0.0, top * 1.12 or 1.0),
        (f"memory the model adds, peak ({mega.name})", ""),
        (limit.value / mega.factor, f"memory ≤ {format_limit(limit.name, limit.value)}", True)
        if limit is not None
        else None,
        Drawing(
            key=_KEY,
            title=_MEMORY_TITLE,
            caption=caption,
            description=(
                f"Scatter plot: p99 latency of one inference in {unit.name} on a logarithmic axis, memory in "
                f"{mega.name}; horizontal bars are 95 % intervals, vertical bars the range over launches."
            ),
            figure=new_figure(3.6 + scatter.legend_inches(rows)),
        ),
    )


def _figure(
    evidence: Evidence,
    rows: Sequence[Row],
    marks: Sequence[Mark],
    unit: Unit,
    y_range: tuple[float, float],
    y_label: tuple[str, str],
    y_limit: tuple[float, str, bool] | None,
    drawing: Drawing,
) -> Drawing:
    figure = drawing.figure
    axes = add_axes(figure, left=0.52, bottom=0.5, top=0.52 + scatter.legend_inches(rows))
    scatter.legend(figure, rows, 0.0)
    spread = positive([value for mark in marks for value in (mark.x, mark.x_low, mark.x_high)])
    low, high = min(spread), max(spread)
    limit = evidence.limit("p99")
    if limit is not None and low / _FAR <= limit.value / unit.factor <= high * _FAR:
        low, high = min(low, limit.value / unit.factor), max(high, limit.value / unit.factor)
    log_axis(axes, "x", low, high)
    linear_axis(axes, "y", *y_range, unit=y_label[1])
    axes.set_xlabel(f"p99 latency of one inference ({unit.name}, log scale)")
    axes.text(
        0.0,
        1.0 - (scatter.legend_inches(rows) + 0.18) / figure.get_figheight(),
        y_label[0],
        transform=figure.transFigure,
        va="center",
        fontsize=FONT_POINTS,
    )
    if limit is not None:
        scatter.limit_line(
            axes,
            vertical=True,
            value=limit.value / unit.factor,
            text=f"p99 ≤ {format_limit(limit.name, limit.value)}",
            upper=True,
        )
    if y_limit is not None:
        scatter.limit_line(axes, vertical=False, value=y_limit[0], text=y_limit[1], upper=y_limit[2], avoid=marks)
    if drawing.title != _MEMORY_TITLE:
        scatter.front(axes, marks)
    scatter.points(axes, marks, rows, better_up=drawing.title != _MEMORY_TITLE)
    return drawing


def _accuracy_caption(evidence: Evidence, judged: Sequence[Row], rows: Sequence[Row]) -> str:
    found = {row.number: accuracy for row in judged if (accuracy := evidence.accuracy(row)) is not None}
    fastest = min(judged, key=_p99)
    best = max(judged, key=lambda row: (found[row.number].value, -_p99(row)))
    top = found[best.number]
    text = formatter_for(top.metric)
    others = [row for row in judged if row.artifact_id != best.artifact_id]
    level = sum(found[row.number].high >= top.low for row in others)
    caption = (
        f"{fastest.label} is the fastest, p99 {p99_text(fastest)}, with {top.metric} "
        f"{_accuracy_text(evidence, fastest)}; "
    )
    if best is fastest:
        caption += f"none is more accurate on the {evidence.split} split"
    else:
        caption += (
            f"{best.label} has the highest {top.metric}, {_accuracy_text(evidence, best)}, at p99 {p99_text(best)}"
        )
    if others:
        caption += (
            f"; on {top.samples} {evidence.split} samples the intervals of {level} of the {len(others)} others "
            f"reach {text(top.low)}, the lower end of its interval"
        )
    missing = len(rows) - len(judged)
    caption += f" ({missing} of {len(rows)} candidates lack a valid figure)." if missing else "."
    return caption + scatter.numbering(len(judged))


def _accuracy_text(evidence: Evidence, row: Row) -> str:
    accuracy = evidence.accuracy(row)
    if accuracy is None:
        return interval(None, None, None, formatter_for("accuracy"))
    return interval(accuracy.value, accuracy.low, accuracy.high, formatter_for(accuracy.metric))


def p99_text(row: Row) -> str:
    """The p99 of a row with its interval."""
    latency = row.latency
    if latency is None:
        return seconds(None)
    return interval(latency.p99_seconds, latency.p99_low_seconds, latency.p99_high_seconds, seconds)


def memory_text(row: Row) -> str:
    """The memory a row adds, with its range over launches."""
    one = row.measurement
    return interval(
        row.added_bytes, one.memory_low_bytes if one else None, one.memory_high_bytes if one else None, size
    )


def _p99(row: Row) -> float:
    return (row.latency.p99_seconds if row.latency is not None else None) or 0.0


def _unit(rows: Sequence[Row]) -> Unit:
    ordered = sorted(map(_p99, rows))
    return unit_for(SECONDS, ordered[len(ordered) // 2])


def _bound(row: Row, unit: Unit, *, lower: bool) -> float | None:
    latency = row.latency
    if latency is None:
        return None
    # A bound of 0 has no place on a logarithmic axis.
    return _scaled(latency.p99_low_seconds if lower else latency.p99_high_seconds, unit) or None


def _scaled(value: float | None, unit: Unit) -> float | None:
    return None if value is None else value / unit.factor
