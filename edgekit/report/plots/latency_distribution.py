"""How the latencies of each candidate are spread: density of the raw samples, p50, p90, p99, the budget."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from edgekit.report.evidence import Evidence, Row
from edgekit.report.plots import strips
from edgekit.report.plots.canvas import FONT_POINTS, INK
from edgekit.report.plots.contract import Drawing, Omitted
from edgekit.report.plots.looks import looks
from edgekit.report.plots.scales import log_axis, positive
from edgekit.terminal.format import SECONDS, Unit, interval, number, seconds, unit_for
from edgekit.terminal.format import limit as format_limit
from edgekit_targets.types.profile import Latency

_KEY, _TITLE = "latency-distribution", "How the latencies are spread"
_BINS = 60
_TAIL = 0.999
_FAR = 5.0


def draw(evidence: Evidence, rows: Sequence[Row]) -> Drawing | Omitted:
    """One strip a candidate, all on one logarithmic time axis."""
    timed = [row for row in rows if row.latency is not None]
    drawn = strips.shown(timed)
    if not drawn:
        return Omitted(key=_KEY, title=_TITLE, reason="No candidate has a measured latency.")
    samples = {row.number: _samples(row.latency) for row in drawn}
    latencies = [(row, row.latency) for row in drawn if row.latency is not None]
    unit = unit_for(SECONDS, float(np.median([latency.p50_seconds for _, latency in latencies])))
    low, high = _range(evidence, [latency for _, latency in latencies], list(samples.values()))
    figure, axes = strips.strips(drawn, [row.short(strips.NAME_CHARACTERS) for row in drawn])
    log_axis(axes, "x", low / unit.factor, high / unit.factor, pad=0.03)
    axes.set_xlabel(f"time of one inference ({unit.name}, log scale)")
    for name in ("p99", "p50"):
        limit = evidence.limit(name)
        if limit is not None:
            text = f"{name} ≤ {format_limit(name, limit.value)}"
            strips.limit_line(axes, drawn, limit.value / unit.factor, text)
            break
    look_of = looks(rows)
    for index, (row, latency) in enumerate(latencies):
        _strip(axes, -index, latency, samples[row.number], unit, look_of[row.number].color)
    _legend(axes)
    beyond = sum(int((values > high).sum()) for values in samples.values())
    caption = _caption(latencies, beyond) + strips.left_out(timed)
    return Drawing(
        key=_KEY,
        title=_TITLE,
        caption=caption,
        description=(
            f"One strip a candidate: the density of its samples over time in {unit.name} on a logarithmic axis, "
            "a line at p50, a dotted line at p90, a diamond at p99 with its 95 % interval as a bar."
        ),
        figure=figure,
    )


def _strip(axes: Axes, y: float, latency: Latency, values: np.ndarray, unit: Unit, color: str) -> None:
    bottom, height = y - 0.3, 0.44
    low, high = (edge * unit.factor for edge in axes.get_xlim())
    axes.axhline(bottom, color=color, linewidth=0.6, alpha=0.5)
    if values.size:
        edges = np.geomspace(low, high, _BINS * 2 + 1)
        counts, _ = np.histogram(values, edges)
        kept = np.flatnonzero(counts)
        if kept.size:
            part = slice(kept[0], kept[-1] + 1)
            heights = np.repeat(bottom + height * counts[part] / counts.max(), 2)
            sides = np.repeat(edges[part.start : part.stop + 1], 2)[1:-1]
            axes.fill_between(sides / unit.factor, bottom, heights, color=color, alpha=0.45, linewidth=0)
    top = bottom + height
    axes.plot([latency.p50_seconds / unit.factor] * 2, [bottom, top], color=color, linewidth=1.8)
    axes.plot([latency.p90_seconds / unit.factor] * 2, [bottom, top], color=color, linewidth=1.5, linestyle=":")
    if latency.p99_seconds is not None:
        middle = bottom + height / 2
        ends = [latency.p99_low_seconds, latency.p99_high_seconds]
        bar = [(latency.p99_seconds if end is None else end) / unit.factor for end in ends]
        axes.plot(bar, [middle] * 2, color=INK, linewidth=1.3)
        axes.plot([latency.p99_seconds / unit.factor], [middle], marker="D", markersize=5, color=INK, linestyle="none")


def _legend(axes: Axes) -> None:
    lines = [
        Line2D([], [], color=INK, linewidth=2.2),
        Line2D([], [], color=INK, linewidth=1.5, linestyle=":"),
        Line2D([], [], color=INK, linewidth=1.3, marker="D", markersize=5),
    ]
    axes.figure.legend(
        lines,
        ["p50", "p90", "p99 with 95 % interval"],
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=3,
        frameon=False,
        borderpad=0,
        borderaxespad=0.1,
        handlelength=1.6,
        handletextpad=0.4,
        columnspacing=1.0,
        fontsize=FONT_POINTS - 0.5,
    )


def _caption(latencies: Sequence[tuple[Row, Latency]], beyond: int) -> str:
    tailed = [
        (row, one, one.p99_seconds / one.p50_seconds) for row, one in latencies if one.p99_seconds and one.p50_seconds
    ]
    if tailed:
        worst, latency, ratio = max(tailed, key=lambda item: item[2])
        calmest, _, least = min(tailed, key=lambda item: item[2])
        text = interval(latency.p99_seconds, latency.p99_low_seconds, latency.p99_high_seconds, seconds)
        caption = f"The longest tail is that of {worst.label}: p99 {text} is {number(ratio)} times its median"
        caption += f"; {calmest.label} stays closest, at {number(least)} times." if worst is not calmest else "."
    else:
        fastest, latency = min(latencies, key=lambda item: item[1].p50_seconds)
        text = interval(latency.p50_seconds, latency.p50_low_seconds, latency.p50_high_seconds, seconds)
        caption = f"{fastest.label} has the smallest median, {text}; no candidate has samples enough for a p99."
    return caption + (f" {beyond} of the slowest samples lie beyond the right edge." if beyond else "")


def _samples(latency: Latency | None) -> np.ndarray:
    raw = latency.raw_seconds if latency is not None else ()
    return np.fromiter((value for value in itertools.chain.from_iterable(raw) if value > 0), dtype=np.float64)


def _range(evidence: Evidence, latencies: Sequence[Latency], samples: Sequence[np.ndarray]) -> tuple[float, float]:
    marks = positive(
        [
            value
            for one in latencies
            for value in (one.p50_seconds, one.p90_seconds, one.p99_seconds, one.p99_low_seconds, one.p99_high_seconds)
        ]
    )
    ends = [(float(values.min()), float(np.quantile(values, _TAIL))) for values in samples if values.size]
    low = min([*marks, *(first for first, _ in ends)], default=1e-3)
    high = max([*marks, *(last for _, last in ends)], default=1e-3)
    limit = evidence.limit("p99") or evidence.limit("p50")
    if limit is not None and low / _FAR <= limit.value <= high * _FAR:
        low, high = min(low, limit.value), max(high, limit.value)
    return low, high if high > low * 1.05 else low * math.sqrt(2)
