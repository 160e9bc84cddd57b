"""Timing at a fixed pace: inputs arrive on a schedule that slow answers do not shift.

An answer's time runs from the scheduled arrival of its input, as wrk2 does it: a loop that waits for each answer before
it asks again would leave out exactly the inputs that had to wait (coordinated omission). Between arrivals the process
sleeps, as a real one does that reads a sensor, so the system's wake-up (some 50 us on Linux) is part of the response
time, and caches and clocks have cooled down; the service time has neither. Waiting by spinning would be exact to a
microsecond, but it would heat the processor and count as the model's CPU time.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

from edgekit_targets.errors import InputError
from edgekit_targets.measure.clock import Clock
from edgekit_targets.measure.latency import Slice, check_limits, collector_off

SHORTEST_SECONDS = 1e-5


def time_paced(
    run: Callable[[], object],
    clock: Clock,
    *,
    samples: int,
    max_seconds: float,
    warmup_seconds: float,
    every_seconds: float,
) -> Slice:
    """Call ``run`` once for each arrival, first for a warm-up at the same pace (at least one), then timed.

    An input that arrives while another is answered waits; nothing is dropped. The loop ends after ``samples``
    answers, or with the first that comes ``max_seconds`` or more after the first arrival, so a period shorter than the
    service time ends too, with response times that grow.

    Raises:
        InputError: a setting is out of range.
    """
    check_limits(samples, max_seconds, warmup_seconds)
    if not every_seconds >= SHORTEST_SECONDS:
        raise InputError(f"every_seconds must be at least {SHORTEST_SECONDS}, not {every_seconds}")
    now, cpu, sleep = clock.now, clock.cpu, clock.sleep
    period = round(every_seconds * 1e9)
    service, response = array("q", bytes(8 * samples)), array("q", bytes(8 * samples))

    def wait(arrival: int) -> None:
        while (left := arrival - now()) > 0:
            sleep(left / 1e9)

    with collector_off():
        warmup_runs = _warm_up(run, now, wait, period, warmup_seconds)
        limit = round(max_seconds * 1e9)
        done, last = 0, 0
        cpu_start = cpu()
        arrival = first = now() + period
        while done < samples and last - first < limit:
            wait(arrival)
            start = now()
            run()
            last = now()
            service[done], response[done] = last - start, last - arrival
            done += 1
            arrival += period
        cpu_end = cpu()
    # The first wait for an arrival is part of the CPU time's stretch; so it is of the wall time's.
    wall = max(last - first, (done - 1) * period) + period
    return Slice(
        seconds=tuple(value / 1e9 for value in service[:done]),
        cpu_seconds=(cpu_end - cpu_start) / 1e9,
        wall_seconds=wall / 1e9,
        warmup_runs=warmup_runs,
        response_seconds=tuple(value / 1e9 for value in response[:done]),
    )


def _warm_up(
    run: Callable[[], object], now: Callable[[], int], wait: Callable[[int], None], period: int, seconds: float
) -> int:
    arrival = now()
    end = arrival + round(seconds * 1e9)
    runs = 0
    while True:
        wait(arrival)
        run()
        runs += 1
        arrival += period
        if max(arrival, now()) >= end:
            return runs
