"""From slices of samples to quantiles with intervals, and what only a pace tells."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar

from edgekit.statistics.clusters import Samples
from edgekit.statistics.means import mean
from edgekit.statistics.paired import Round
from edgekit.statistics.quantiles import longest_covered, quantile, samples_needed
from edgekit.statistics.shares import share
from edgekit.statistics.warmup import warmup_length
from edgekit_targets.agent.protocol import Ran
from edgekit_targets.types.profile import Latency, Paced

Value = TypeVar("Value")


def latency_of(ran: Sequence[Ran], places: Sequence[Round] = (), *, service: bool = False) -> Latency | None:
    """The time of one inference, at a pace since its arrival unless ``service`` is asked for; None without a sample.

    ``places`` says which round of which launch each slice is; without it all are of one launch.
    """
    where = places or [(0, turn) for turn in range(len(ran))]
    # What a warm-up is, the service time tells: a queue would smear it over what comes after.
    warmup = warmup_length([one.seconds for one in ran if one.seconds])
    raw = [one.seconds if service or one.response_seconds is None else one.response_seconds for one in ran]
    kept = [(place, part[warmup or 0 :]) for place, part in zip(where, raw, strict=True) if len(part) > (warmup or 0)]
    if not kept:
        return None
    samples = Samples(by_launch(kept))
    p50, p90, p99, p999 = (quantile(samples, q) for q in (0.5, 0.9, 0.99, 0.999))
    ordered = samples.sorted
    return Latency(
        samples=len(ordered),
        effective_samples=min(one.effective_samples for one in (p50, p90, p99)),
        launches=len({launch for (launch, _), _ in kept}),
        mean_seconds=float(ordered.mean()),
        p50_seconds=p50.value if p50.value is not None else statistics.median(ordered.tolist()),
        p50_low_seconds=p50.low,
        p50_high_seconds=p50.high,
        p90_seconds=p90.value if p90.value is not None else float(ordered[-1]),
        p90_low_seconds=p90.low,
        p90_high_seconds=p90.high,
        p99_seconds=p99.value,
        p99_low_seconds=p99.low,
        p99_high_seconds=p99.high,
        p999_seconds=p999.value,
        p999_low_seconds=p999.low,
        p999_high_seconds=p999.high,
        raw_seconds=tuple(tuple(part) for _, part in kept),
        launch_of=tuple(launch for (launch, _), _ in kept),
        round_of=tuple(turn for (_, turn), _ in kept),
        warmup_samples=warmup,
        covers_seconds=longest_covered(sum(one.wall_seconds for one in ran)),
    )


def samples_of(latency: Latency) -> Samples:
    """The samples of a latency, grouped as they were taken."""
    places = list(zip(latency.launch_of, latency.round_of, strict=True)) or [(0, 0)] * len(latency.raw_seconds)
    return Samples(by_launch(list(zip(places, latency.raw_seconds, strict=True))))


def by_launch(placed: Sequence[tuple[Round, Value]]) -> list[list[Value]]:
    """What belongs to slices, grouped by launch."""
    ordered = sorted(placed, key=lambda item: item[0])
    return [[value for _, value in group] for _, group in groupby(ordered, key=lambda item: item[0][0])]


def latency_warnings(latency: Latency) -> list[str]:
    """Why a quantile has no value or no bound, and that no steady state was reached."""
    warnings = []
    samples = latency.samples
    if latency.p99_seconds is None:
        warnings.append(f"p99: {samples} samples are too few for the value (100 are needed)")
    elif latency.p99_high_seconds is None:
        warnings.append(
            f"p99: {samples} samples, worth {latency.effective_samples} independent ones, do not bound it from above "
            f"({samples_needed(0.99)} are needed)"
        )
    if latency.launches == 1:
        warnings.append("one launch: how much launches differ from each other is in no interval")
    if latency.warmup_samples is None:
        warnings.append("no steady state: its time still changed at the end of the slices; the figures mix phases")
    return warnings


def slice_mean(
    ran: Sequence[Ran], places: Sequence[Round], value: Callable[[Ran], float | None]
) -> tuple[float, float | None, float | None] | None:
    """The mean of one figure a slice with its interval, over the slices that have it; None without one."""
    found = [(place, number) for place, one in zip(places, ran, strict=True) if (number := value(one)) is not None]
    centre = mean(by_launch(found))
    return None if centre is None else (centre.value, centre.low, centre.high)


def paced_of(ran: Sequence[Ran], places: Sequence[Round], every_seconds: float) -> Paced | None:
    """Deadlines, backlog and the share of a core, from slices at a pace; None without one."""
    slices = [(place, one.response_seconds) for place, one in zip(places, ran, strict=True) if one.response_seconds]
    service = latency_of(ran, places, service=True)
    missed = [(place, (sum(response > every_seconds for response in part), len(part))) for place, part in slices]
    found = share(by_launch(missed))
    if service is None or found is None:
        return None
    cpu = slice_mean(ran, places, cpu_share)
    return Paced(
        service=service,
        missed=sum(count for _, (count, _) in missed),
        deadline_miss=found.value,
        deadline_miss_low=found.low,
        deadline_miss_high=found.high,
        backlog=max(math.ceil(max(part) / every_seconds) for _, part in slices),
        cpu_share=cpu[0] if cpu is not None else None,
        cpu_share_low=cpu[1] if cpu is not None else None,
        cpu_share_high=cpu[2] if cpu is not None else None,
    )


def paced_warnings(paced: Paced | None, every_seconds: float | None) -> list[str]:
    """That a pace cannot be held, and the response times therefore say how long was measured, not how fast it is."""
    if paced is None or every_seconds is None or paced.service.p50_seconds <= every_seconds:
        return []
    return [
        f"it cannot keep up with an input every {every_seconds * 1e3:g} ms: one inference takes "
        f"{paced.service.p50_seconds * 1e3:.3g} ms; up to {paced.backlog} inputs waited, more the longer it runs"
    ]


def cpu_share(ran: Ran) -> float | None:
    """The share of one core over a slice."""
    return ran.cpu_seconds / ran.wall_seconds if ran.cpu_seconds is not None and ran.wall_seconds else None


def cpu_seconds(ran: Ran) -> float | None:
    """The processor time of one inference of a slice."""
    return None if ran.cpu_seconds is None else ran.cpu_seconds / len(ran.seconds)
