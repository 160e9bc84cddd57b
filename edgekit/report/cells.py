"""Words and numbers of the page's tables; the template only arranges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.decision.words import speed_text
from edgekit.profiling.comparisons import current_comparisons
from edgekit.report.evidence import Evidence, Row
from edgekit.terminal.format import (
    NOT_MEASURED,
    SYMBOLS,
    count,
    figure,
    formatter_for,
    interval,
    margin,
    number,
    percent,
    seconds,
    size,
)
from edgekit.terminal.format import limit as format_limit
from edgekit_targets.types.manifest import Artifact, Manifest
from edgekit_targets.types.profile import Comparison, Measurement, Profile
from edgekit_targets.types.verdict import Candidate, Constraint, Limit, Status


@dataclass(frozen=True)
class Cell:
    """A figure with its status, if a limit was held against it."""

    text: str
    status: Status | None = None
    symbol: str = ""
    note: str | None = None


@dataclass(frozen=True)
class Line:
    """A row of the table of limits."""

    row: Row
    status: Cell
    cells: tuple[Cell, ...]
    margin: str


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows. ``head`` leaves that column out."""

    caption: str
    first: str
    head: tuple[str, ...]
    body: tuple[tuple[str, tuple[Cell, ...]], ...]


def limit_text(limit: Limit) -> str:
    """``p99 ≤ 20 ms``."""
    return f"{limit.name} {'≤' if limit.upper else '≥'} {format_limit(limit.name, limit.value)}"


def lines(evidence: Evidence) -> tuple[Line, ...]:
    """The candidates held against the limits, in the order of the verdict."""
    found = []
    for row in evidence.rows:
        if row.candidate is None:
            continue
        of_name = {one.name: one for one in row.candidate.constraints}
        cells = tuple(_constraint(of_name.get(limit.name)) for limit in evidence.limits)
        found.append(Line(row, _status(row.candidate), cells, margin(row.candidate.margin)))
    return tuple(found)


def nearest(evidence: Evidence, reasons: Sequence[str], most: int = 3) -> list[str]:
    """What comes closest when nothing fits: the limits in the way, with their figures; not what ``reasons`` say too."""
    close = [row for row in evidence.rows if row.candidate is not None and row.candidate.margin is not None]
    close = [row for row in close if not any(row.artifact_id in reason for reason in reasons)]
    close.sort(key=lambda row: -(row.candidate.margin if row.candidate and row.candidate.margin is not None else 0.0))
    limits = {limit.name: limit_text(limit) for limit in evidence.limits}
    found = []
    for row in close[:most]:
        missed = [one for one in (row.candidate.constraints if row.candidate else ()) if one.status != "pass"]
        reasons = "; ".join(
            f"{one.status}: {one.name} {_figure(one)}, wanted {limits.get(one.name, one.name)}" for one in missed
        )
        margin_text = margin(row.candidate.margin if row.candidate else None)
        found.append(f"{row.label} (margin {margin_text}): {reasons or 'its measurement is not valid'}")
    return found


def measured(evidence: Evidence) -> Table:
    """Everything that was measured on the device shown, at every shape and pace."""
    numbers = {id(row.measurement): row.number for row in evidence.rows if row.measurement is not None}
    taken = [one for profile in evidence.profiles for one in profile.measurements]
    taken.sort(key=lambda one: numbers.get(id(one), len(numbers) + 1))
    body = []
    for one in taken:
        precision = one.precision or "as imported"
        name = f"{one.family} · {precision} · {one.target}, {one.threads} thread{'s' if one.threads != 1 else ''}"
        mark = f"{numbers[id(one)]}  " if id(one) in numbers else ""
        body.append((f"{mark}{name}", _measurement(one)))
    head = (
        "mode, batch x length, pace",
        "samples (effective), launches",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "covers disturbances up to",
        "missed deadlines",
        "share of a core",
        "memory added",
        "process memory",
        "CPU time",
        "throughput",
        "load",
        "first run",
        "energy",
        "hottest",
        "disturbed",
        "outputs checked here",
        "valid",
    )
    return Table("Every measurement", "Candidate", head, tuple(body))


def artifacts(manifest: Manifest, profiles: Sequence[Profile] = ()) -> Table:
    """The files: what was really quantized, how much smaller, how far off, what it cost in accuracy.

    With ``profiles`` also whether it is faster than fp32 on each target: smaller and as accurate is not enough to keep.
    """
    speeds = current_comparisons(manifest, profiles)
    body = tuple((one.id, _artifact(one, _fp32_of(one, manifest.artifacts), speeds)) for one in manifest.artifacts)
    head = (
        "file size (against fp32)",
        "parameters",
        "operators quantized",
        "relative error",
        "largest error (tolerance)",
        "checked against, at batch x length",
        "accuracy, test",
        "accuracy, validation",
        "drop to fp32, validation",
        "keep or drop",
        "against fp32 here",
        "weights",
    )
    return Table("Every file of the bundle", "Artifact", head, body)


def _status(candidate: Candidate) -> Cell:
    word = candidate.status if candidate.valid else f"{candidate.status}, not valid"
    return Cell(word, candidate.status, SYMBOLS[candidate.status])


def _constraint(one: Constraint | None) -> Cell:
    if one is None:
        return Cell(NOT_MEASURED, "unmeasured", SYMBOLS["unmeasured"])
    return Cell(_figure(one), one.status, SYMBOLS[one.status], one.note)


def _figure(one: Constraint) -> str:
    return figure(one.name, one.value, one.low, one.high)


def _measurement(one: Measurement) -> tuple[Cell, ...]:
    latency = one.latency
    pace = "closed loop" if one.every_seconds is None else f"every {seconds(one.every_seconds)}"
    peak = one.memory.peak_bytes if one.memory is not None else None
    added = one.memory.added_bytes if one.memory is not None else None
    cpu = interval(
        one.cpu_seconds_per_inference, one.cpu_low_seconds_per_inference, one.cpu_high_seconds_per_inference, seconds
    )
    texts = [
        f"{one.mode}, {one.batch}x{one.length}, {pace}",
        NOT_MEASURED
        if latency is None
        else f"{count(latency.samples)} ({count(latency.effective_samples)}), {latency.launches}",
        *_quantiles(one),
        NOT_MEASURED if latency is None else seconds(latency.covers_seconds),
        *_paced(one),
        interval(added, one.memory_low_bytes, one.memory_high_bytes, size),
        interval(peak, one.process_memory_low_bytes, one.process_memory_high_bytes, size),
        cpu,
        NOT_MEASURED if one.throughput_per_second is None else f"{number(one.throughput_per_second)} /s",
        seconds(one.load_seconds),
        seconds(one.first_run_seconds),
        formatter_for("energy")(one.energy.joules_per_inference if one.energy is not None else None),
        _hottest(one),
        NOT_MEASURED if one.disturbed is None else f"{percent(one.disturbed)} of the time",
    ]
    parity = one.parity
    checked = (
        Cell(NOT_MEASURED)
        if parity is None
        else Cell(
            f"off by {number(parity.max_abs_error)} (tolerance {number(parity.tolerance)})",
            "pass" if parity.passed else "fail",
            SYMBOLS["pass" if parity.passed else "fail"],
        )
    )
    valid = Cell("valid", "pass", SYMBOLS["pass"]) if one.valid else Cell("not valid", "fail", SYMBOLS["fail"])
    return (*map(Cell, texts), checked, valid)


def _quantiles(one: Measurement) -> list[str]:
    latency = one.latency
    if latency is None:
        return [NOT_MEASURED] * 4
    return [
        interval(latency.p50_seconds, latency.p50_low_seconds, latency.p50_high_seconds, seconds),
        interval(latency.p90_seconds, latency.p90_low_seconds, latency.p90_high_seconds, seconds),
        interval(latency.p99_seconds, latency.p99_low_seconds, latency.p99_high_seconds, seconds),
        interval(latency.p999_seconds, latency.p999_low_seconds, latency.p999_high_seconds, seconds),
    ]


def _paced(one: Measurement) -> list[str]:
    paced = one.paced
    if paced is None:
        return ["no pace"] * 2
    missed = interval(paced.deadline_miss, paced.deadline_miss_low, paced.deadline_miss_high, percent)
    share = interval(paced.cpu_share, paced.cpu_share_low, paced.cpu_share_high, percent)
    return [f"{missed}, backlog {paced.backlog}", share]


def _hottest(one: Measurement) -> str:
    degrees = one.conditions[-1].temperature_celsius if one.conditions else None
    return NOT_MEASURED if degrees is None else f"{degrees:.0f} °C"


def _artifact(one: Artifact, base: Artifact | None, speeds: Sequence[Comparison]) -> tuple[Cell, ...]:
    ratio = (
        f" ({number(one.size_bytes / base.size_bytes)} times)" if base and base is not one and base.size_bytes else ""
    )
    parity = one.parity
    points = "" if parity is None else ", ".join(f"{batch}x{length}" for batch, length in parity.points)
    texts = [
        f"{size(one.size_bytes)}{ratio}",
        count(one.parameters),
        _quantized(one),
        NOT_MEASURED if parity is None else percent(parity.relative_error),
        NOT_MEASURED if parity is None else f"{number(parity.max_abs_error)} ({number(parity.tolerance)})",
        NOT_MEASURED if parity is None else f"{parity.reference}: {points}",
        _accuracy(one, test=True),
        _accuracy(one, test=False),
        _drop(one, base),
        NOT_MEASURED if one.keep is None else f"{one.keep.verdict}: {one.keep.reason}",
        "is fp32"
        if base is one
        else "; ".join(speed_text(found) for found in speeds if found.artifact == one.id) or NOT_MEASURED,
        one.weights,
    ]
    return tuple(map(Cell, texts))


def _quantized(one: Artifact) -> str:
    if one.precision in ("fp32", "fp16"):
        return "none intended"
    if one.quantized is None:
        return "not counted"
    done = sum(each.quantized for each in one.quantized.values())
    total = sum(each.total for each in one.quantized.values())
    each = ", ".join(f"{name} {counts.quantized}/{counts.total}" for name, counts in sorted(one.quantized.items()))
    return f"{done} of {total} ({each})" if each else f"{done} of {total}"


def _accuracy(one: Artifact, *, test: bool) -> str:
    found = one.accuracy if test else one.accuracy_validation
    if found is None:
        return NOT_MEASURED
    text = interval(found.value, found.low, found.high, formatter_for(found.metric))
    return f"{text}, {count(found.samples)} samples"


def _drop(one: Artifact, base: Artifact | None) -> str:
    if base is one:
        return "is fp32"
    if base is None or one.accuracy_validation is None or base.accuracy_validation is None:
        return NOT_MEASURED
    drop = base.accuracy_validation.value - one.accuracy_validation.value
    if formatter_for(one.accuracy_validation.metric)(0.5).endswith("%"):
        return f"{number(drop * 100)} percentage points"
    return number(drop)


def _fp32_of(one: Artifact, all_artifacts: Sequence[Artifact]) -> Artifact | None:
    alike = [
        other
        for other in all_artifacts
        if (other.family, other.mode, other.variant, other.precision) == (one.family, one.mode, one.variant, "fp32")
    ]
    return alike[0] if alike else None
