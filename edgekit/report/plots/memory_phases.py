"""Memory over the phases of a process: runtime imported, model loaded, running, settled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.lines import Line2D

from edgekit.report.evidence import Evidence, Row
from edgekit.report.plots import strips
from edgekit.report.plots.canvas import FONT_POINTS, INK, PAPER
from edgekit.report.plots.contract import Drawing, Omitted
from edgekit.report.plots.looks import looks
from edgekit.report.plots.scales import linear_axis
from edgekit.terminal.format import BYTES, interval, size, unit_for
from edgekit.terminal.format import limit as format_limit
from edgekit_targets.types.profile import Memory

_KEY, _TITLE = "memory-phases", "Memory over the phases"
_PHASES = (("|", "runtime imported"), (">", "loading, peak"), ("s", "running, peak"), ("o", "settled"))


def draw(evidence: Evidence, rows: Sequence[Row]) -> Drawing | Omitted:
    """One strip a candidate: the memory of the whole process in each phase, on one axis."""
    weighed = [(row, one) for row in rows if (one := _memory(row)) is not None]
    drawn = strips.shown([row for row, _ in weighed])
    if not drawn:
        return Omitted(key=_KEY, title=_TITLE, reason="No candidate has a measured memory.")
    shown = weighed[: len(drawn)]
    marks = [_phases(one) for _, one in shown]
    unit = unit_for(BYTES, max(map(max, marks)))
    low, high = min(map(min, marks)) / unit.factor, max(map(max, marks)) / unit.factor
    limit = evidence.limit("process_memory")
    if limit is not None and limit.value / unit.factor <= 1.6 * high:
        low, high = min(low, limit.value / unit.factor), max(high, limit.value / unit.factor)
    room = max((high - low) * 0.06, high * 0.02)
    figure, axes = strips.strips(drawn, [row.short(strips.NAME_CHARACTERS) for row in drawn])
    linear_axis(axes, "x", max(0.0, low - room), high + room)
    axes.set_xlabel(f"memory of the whole process ({unit.name})")
    if limit is not None:
        text = f"process memory ≤ {format_limit(limit.name, limit.value)}"
        strips.limit_line(axes, drawn, limit.value / unit.factor, text)
    look_of = looks(rows)
    for index, ((row, _), values) in enumerate(zip(shown, marks, strict=True)):
        y = -index - 0.1
        color = look_of[row.number].color
        axes.plot([min(values) / unit.factor, max(values) / unit.factor], [y, y], color=color, linewidth=2.2, zorder=2)
        for value, (shape, _) in zip(values, _PHASES, strict=True):
            axes.plot([value / unit.factor], [y], **_look(shape, color), linestyle="none", zorder=4, clip_on=False)
    figure.legend(
        [Line2D([], [], **_look(shape, INK), linestyle="none") for shape, _ in _PHASES],
        [name for _, name in _PHASES],
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2,
        frameon=False,
        borderpad=0,
        borderaxespad=0.1,
        handletextpad=0.1,
        handlelength=1.4,
        columnspacing=0.8,
        labelspacing=0.25,
        fontsize=FONT_POINTS - 0.5,
    )
    return Drawing(
        key=_KEY,
        title=_TITLE,
        caption=_caption(shown) + strips.left_out([row for row, _ in weighed]),
        description=(
            f"One strip a candidate: the memory of its process in {unit.name} with the runtime imported, at the peak "
            "of loading, at the peak of running, and settled."
        ),
        figure=figure,
    )


def _memory(row: Row) -> Memory | None:
    one = row.measurement
    return one.memory if one is not None and one.valid else None


def _phases(one: Memory) -> tuple[int, int, int, int]:
    return one.baseline_bytes, one.load_peak_bytes, one.run_peak_bytes, one.steady_bytes


def _look(shape: str, color: str) -> dict[str, Any]:
    return {
        "marker": shape,
        "markersize": 9.0 if shape == "|" else 5.5,
        "markerfacecolor": PAPER,
        "markeredgecolor": color,
        "markeredgewidth": 1.4,
        "color": color,
    }


def _caption(shown: Sequence[tuple[Row, Memory]]) -> str:
    row, one = max(shown, key=lambda item: item[1].peak_bytes)
    phase = "loading" if one.load_peak_bytes >= one.run_peak_bytes else "its runs"
    found = row.measurement
    ends = (found.process_memory_low_bytes, found.process_memory_high_bytes) if found is not None else (None, None)
    return (
        f"The highest peak is that of {row.label}, {interval(one.peak_bytes, *ends, size)} during {phase}: "
        f"{size(one.baseline_bytes)} before the model is loaded, {size(one.steady_bytes)} once it has settled."
    )
