"""Holding a pace for long: on a device without a fan, throttled is how it is deployed.

One candidate at a time in one process, because a soak is about what its own heat does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from edgekit.profiling.latency import latency_of
from edgekit.profiling.measure import Taken, open_subject
from edgekit.statistics.ratios import log_half_width
from edgekit_targets.agent.contract import Agent
from edgekit_targets.agent.protocol import Ran, Run
from edgekit_targets.errors import AgentGone, EdgekitError
from edgekit_targets.measure.latency import MAX_SAMPLES
from edgekit_targets.progress import Progress
from edgekit_targets.types.profile import Latency, Soak, SoakPoint

POINTS = 30
"""A soak of 30 minutes is told minute by minute."""
_SLICES = 6


def soak_all(agent: Agent, taken: Sequence[Taken], seconds: float, progress: Progress) -> None:
    """Soak every candidate that could be measured, adding to ``taken`` as it goes."""
    wanted = [one for one in taken if one.failure is None]
    total = len(wanted) * POINTS
    done = 0
    for one in wanted:
        try:
            for stretch in _soak(agent, one, seconds):
                one.soaked.append(stretch)
                done += 1
                progress("soak", done, total)
        except AgentGone:
            raise
        except EdgekitError as error:
            one.failure = f"soak: {error}"
    progress("soak", total, total)


def summarise_soak(taken: Taken) -> Soak | None:
    """Latency and heat over time, and the last stretch against the first."""
    points = []
    start = 0.0
    for stretch in taken.soaked:
        latency = latency_of(stretch)
        if latency is not None:
            points.append(SoakPoint(start_seconds=start, latency=latency, conditions=stretch[-1].conditions))
        start += sum(ran.wall_seconds for ran in stretch)
    if not points:
        return None
    ratio, half = _ratio(points[-1].latency, points[0].latency)
    return Soak(
        seconds=start,
        points=tuple(points),
        ratio=ratio,
        ratio_low=None if half is None else ratio / math.exp(half),
        ratio_high=None if half is None else ratio * math.exp(half),
    )


def _soak(agent: Agent, one: Taken, seconds: float) -> Iterator[list[Ran]]:
    handle = f"soak.{one.subject.key}"
    open_subject(agent, handle, one.subject)
    part = seconds / (POINTS * _SLICES)
    for _ in range(POINTS):
        yield [
            agent.run(
                Run(
                    handle=handle,
                    samples=most_samples(part, one.subject.every_seconds),
                    max_seconds=part,
                    warmup_seconds=0.0,
                    every_seconds=one.subject.every_seconds,
                )
            )
            for _ in range(_SLICES)
        ]
    agent.close(handle)


def most_samples(seconds: float, every_seconds: float | None) -> int:
    """As many as fit into a slice of so many seconds; room for them is made in the process that is measured."""
    return MAX_SAMPLES if every_seconds is None else min(MAX_SAMPLES, math.ceil(seconds / every_seconds) + 1)


def _ratio(last: Latency, first: Latency) -> tuple[float, float | None]:
    """Of the medians, with the half-width of its logarithm; without one where a median has no interval."""
    ratio = last.p50_seconds / first.p50_seconds
    ends = [(one.p50_seconds, one.p50_low_seconds, one.p50_high_seconds) for one in (last, first)]
    if any(None in each for each in ends):
        return ratio, None
    return ratio, math.hypot(*(log_half_width(*each) for each in ends))
