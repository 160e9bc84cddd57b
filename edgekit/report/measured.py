"""Everything that was measured on the device shown, at every shape and pace: a table of times, one of the rest."""

from __future__ import annotations

from edgekit.decision.words import model_name, options_name, precision_name, target_name
from edgekit.report.cells import NO_PACE, Cell, Table, without_empty
from edgekit.report.evidence import Evidence
from edgekit.terminal.format import (
    NOT_MEASURED,
    SYMBOLS,
    count,
    formatter_for,
    interval,
    number,
    percent,
    seconds,
    size,
)
from edgekit_targets.types.profile import Measurement

_TIMES = (
    "mode, batch x length, pace",
    "p50",
    "p90",
    "p99",
    "p99.9",
    "CPU time",
    "throughput",
    "missed deadlines",
    "share of a core",
    "samples (effective), launches",
    "covers disturbances up to",
)
_REST = (
    "mode, batch x length, pace",
    "memory added",
    "process memory",
    "load",
    "first run",
    "energy",
    "hottest",
    "disturbed",
    "outputs checked here",
    "valid",
)


_DASH = "A dash in an interval: the samples do not bound that end."


def measured(evidence: Evidence) -> list[Table]:
    """A row for each measurement, those of the candidates first and with their numbers."""
    numbers = {id(row.measurement): row.number for row in evidence.rows if row.measurement is not None}
    taken = [one for profile in evidence.profiles for one in profile.measurements]
    taken.sort(key=lambda one: numbers.get(id(one), len(numbers) + 1))
    names = []
    for one in taken:
        precision = "as imported" if one.precision is None else precision_name(one.precision)
        mark = f"{numbers[id(one)]}  " if id(one) in numbers else ""
        names.append(f"{mark}{model_name(one.family)} · {precision} · {target_name(one.target)}, {options_name(one)}")
    return [
        without_empty(Table(caption, "Candidate", head, tuple(zip(names, map(cells, taken), strict=True))))
        for caption, head, cells in (
            (f"Every measurement: times of one inference. {_DASH}", _TIMES, _times),
            ("Every measurement: memory, loading and checks", _REST, _rest),
        )
    ]


def _shape(one: Measurement) -> str:
    pace = "closed loop" if one.every_seconds is None else f"every {seconds(one.every_seconds)}"
    return f"{one.mode}, {one.batch}x{one.length}, {pace}"


def _times(one: Measurement) -> tuple[Cell, ...]:
    latency = one.latency
    cpu = interval(
        one.cpu_seconds_per_inference, one.cpu_low_seconds_per_inference, one.cpu_high_seconds_per_inference, seconds
    )
    texts = [
        _shape(one),
        *_quantiles(one),
        cpu,
        NOT_MEASURED if one.throughput_per_second is None else _rate(one.throughput_per_second),
        *_paced(one),
        NOT_MEASURED
        if latency is None
        else f"{count(latency.samples)} ({count(latency.effective_samples)}), {latency.launches}",
        NOT_MEASURED if latency is None else seconds(latency.covers_seconds),
    ]
    return tuple(map(Cell, texts))


def _rate(per_second: float) -> str:
    return f"{count(round(per_second)) if per_second >= 100 else number(per_second)} /s"


def _rest(one: Measurement) -> tuple[Cell, ...]:
    peak = one.memory.peak_bytes if one.memory is not None else None
    added = one.memory.added_bytes if one.memory is not None else None
    texts = [
        _shape(one),
        interval(added, one.memory_low_bytes, one.memory_high_bytes, size),
        interval(peak, one.process_memory_low_bytes, one.process_memory_high_bytes, size),
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
    valid = Cell("", "pass", SYMBOLS["pass"]) if one.valid else Cell("not valid", "fail", SYMBOLS["fail"])
    return (*map(Cell, texts), checked, valid)


def _quantiles(one: Measurement) -> list[str]:
    latency = one.latency
    if latency is None:
        return [NOT_MEASURED] * 4
    return [
        _quantile(latency.p50_seconds, latency.p50_low_seconds, latency.p50_high_seconds),
        _quantile(latency.p90_seconds, latency.p90_low_seconds, latency.p90_high_seconds),
        _quantile(latency.p99_seconds, latency.p99_low_seconds, latency.p99_high_seconds),
        _quantile(latency.p999_seconds, latency.p999_low_seconds, latency.p999_high_seconds),
    ]


def _quantile(value: float | None, low: float | None, high: float | None) -> str:
    """The figure with its interval; an end that the samples do not bound is a dash, so that the column stays narrow."""
    if value is not None and low is None and high is None:
        return f"{seconds(value)} [–, –]"
    return interval(value, low, high, seconds).replace("no lower bound", "–").replace("no upper bound", "–")


def _paced(one: Measurement) -> list[str]:
    paced = one.paced
    if paced is None:
        return [NO_PACE] * 2
    missed = interval(paced.deadline_miss, paced.deadline_miss_low, paced.deadline_miss_high, percent)
    share = interval(paced.cpu_share, paced.cpu_share_low, paced.cpu_share_high, percent)
    return [f"{missed}, backlog {paced.backlog}", share]


def _hottest(one: Measurement) -> str:
    degrees = one.conditions[-1].hottest_celsius if one.conditions else None
    return NOT_MEASURED if degrees is None else f"{degrees:.0f} °C"
