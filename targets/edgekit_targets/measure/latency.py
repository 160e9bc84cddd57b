"""Timing one inference at a time, in a closed loop: the next one starts when the last ends."""

from __future__ import annotations

import contextlib
import gc
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edgekit_targets.errors import InputError
from edgekit_targets.measure.clock import Clock

MAX_SAMPLES = 2_000_000
"""So many samples still fit one line of the agent's protocol."""


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Service times in order. ``cpu_seconds`` is the processor time of the whole loop, the timer's own included.

    ``response_seconds`` are the times since the scheduled arrivals; null in a closed loop, which has none.
    """

    seconds: tuple[float, ...]
    cpu_seconds: float
    wall_seconds: float
    warmup_runs: int
    response_seconds: tuple[float, ...] | None = None


def time_slice(
    run: Callable[[], object], clock: Clock, *, samples: int, max_seconds: float, warmup_seconds: float
) -> Slice:
    """Warm up, then time calls of ``run`` one by one.

    Each sample is bracketed by two reads of the clock and nothing else; the garbage collector is off meanwhile and the
    samples go to memory that was touched before, so that neither shows up as latency of the model. The loop ends after
    ``samples`` calls, or with the first call that ends ``max_seconds`` or more after its start.

    Raises:
        InputError: a setting is out of range.
    """
    check_limits(samples, max_seconds, warmup_seconds)
    now, cpu = clock.now, clock.cpu
    nanoseconds = array("q", bytes(8 * samples))
    warmup_runs = _warm_up(run, now, warmup_seconds)
    limit = round(max_seconds * 1e9)
    with collector_off():
        done = 0
        cpu_start = cpu()
        first = now()
        last = first
        while done < samples and last - first < limit:
            start = now()
            run()
            last = now()
            nanoseconds[done] = last - start
            done += 1
        cpu_end = cpu()
    return Slice(
        seconds=tuple(value / 1e9 for value in nanoseconds[:done]),
        cpu_seconds=(cpu_end - cpu_start) / 1e9,
        wall_seconds=(last - first) / 1e9,
        warmup_runs=warmup_runs,
    )


def check_limits(samples: int, max_seconds: float, warmup_seconds: float) -> None:
    """Refuse a slice that could not end or would not fit a line.

    Raises:
        InputError: naming the setting.
    """
    if not 1 <= samples <= MAX_SAMPLES:
        raise InputError(f"samples must be between 1 and {MAX_SAMPLES}, not {samples}")
    if not max_seconds > 0 or not warmup_seconds >= 0:
        raise InputError(f"max_seconds must be above 0 ({max_seconds}), warmup_seconds at least 0 ({warmup_seconds})")


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Keep Python's garbage collector out of what is timed."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _warm_up(run: Callable[[], object], now: Callable[[], int], seconds: float) -> int:
    end = now() + round(seconds * 1e9)
    runs = 0
    while True:
        run()
        runs += 1
        if now() >= end:
            return runs
