"""From slices of samples to quantiles with intervals, and what only a pace tells."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from edgekit.statistics.means import mean
from edgekit.statistics.quantiles import quantile, samples_needed
from edgekit.statistics.warmup import warmup_length
from edgekit_targets.agent.protocol import Ran
from edgekit_targets.types.profile import Latency, Paced


def latency_of(ran: Sequence[Ran], *, service: bool = False, launches: int = 1) -> Latency | None:
    """The time of one inference, at a pace since its arrival unless ``service`` is asked for; None without a sample."""
    raw = [list(one.seconds if service or one.response_seconds is None else one.response_seconds) for one in ran]
    raw = [part for part in raw if part]
    if not raw:
        return None
    # What a warm-up is, the service time tells: a queue would smear it over what comes after.
    warmup = warmup_length([one.seconds for one in ran if one.seconds])
    slices = [part[warmup or 0 :] for part in raw if len(part) > (warmup or 0)]
    p50, p90, p99, p999 = (quantile(slices, q) for q in (0.5, 0.9, 0.99, 0.999))
    ordered = sorted(second for part in slices for second in part)
    return Latency(
        samples=len(ordered),
        effective_samples=min(one.effective_samples for one in (p50, p90, p99)),
        launches=launches,
        mean_seconds=statistics.fmean(ordered),
        p50_seconds=p50.value if p50.value is not None else statistics.median(ordered),
        p50_low_seconds=p50.low,
        p50_high_seconds=p50.high,
        p90_seconds=p90.value if p90.value is not None else ordered[-1],
        p90_low_seconds=p90.low,
        p90_high_seconds=p90.high,
        p99_seconds=p99.value,
        p99_low_seconds=p99.low,
        p99_high_seconds=p99.high,
        p999_seconds=p999.value,
        p999_low_seconds=p999.low,
        p999_high_seconds=p999.high,
        raw_seconds=tuple(map(tuple, slices)),
        warmup_samples=warmup,
    )


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
    if latency.warmup_samples is None:
        warnings.append("no steady state: its time still changed at the end of the slices; the figures mix phases")
    return warnings


def paced_of(ran: Sequence[Ran], every_seconds: float, launches: int) -> Paced | None:
    """Deadlines, backlog and the share of a core, from slices at a pace; None without one."""
    slices = [one.response_seconds for one in ran if one.response_seconds]
    service = latency_of(ran, service=True, launches=launches)
    if not slices or service is None:
        return None
    missed = [sum(response > every_seconds for response in part) for part in slices]
    share = mean([count / len(part) for count, part in zip(missed, slices, strict=True)])
    cpu = mean([one.cpu_seconds / one.wall_seconds for one in ran if one.cpu_seconds is not None and one.wall_seconds])
    total = sum(map(len, slices))
    # No miss among n arrivals still allows for a share of about 3 / n (rule of three: 0.05 = (1 - p) ** n).
    unseen = 1.0 - 0.05 ** (1.0 / total)
    high = share.high if share is not None else None
    return Paced(
        service=service,
        missed=sum(missed),
        deadline_miss=sum(missed) / total,
        deadline_miss_low=share.low if share is not None else None,
        deadline_miss_high=None if high is None else min(1.0, max(high, unseen)),
        backlog=max(math.ceil(max(part) / every_seconds) for part in slices),
        cpu_share=cpu.value if cpu is not None else None,
        cpu_share_low=cpu.low if cpu is not None else None,
        cpu_share_high=cpu.high if cpu is not None else None,
    )


def paced_warnings(paced: Paced | None, every_seconds: float | None) -> list[str]:
    """That a pace cannot be held, and the response times therefore say how long was measured, not how fast it is."""
    if paced is None or every_seconds is None or paced.service.p50_seconds <= every_seconds:
        return []
    return [
        f"it cannot keep up with an input every {every_seconds * 1e3:g} ms: one inference takes "
        f"{paced.service.p50_seconds * 1e3:.3g} ms; up to {paced.backlog} inputs waited, more the longer it runs"
    ]
