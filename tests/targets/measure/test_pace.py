"""The paced loop by a scripted clock: every figure is exact."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_targets.errors import InputError
from edgekit_targets.measure.clock import ScriptedClock
from edgekit_targets.measure.latency import MAX_SAMPLES, Slice
from edgekit_targets.measure.pace import time_paced

MS = 1_000_000


def paced(
    *milliseconds: float, every: float = 10.0, samples: int = 5, longest: float = 1e6, wake: float = 0.0
) -> Slice:
    """Times ``milliseconds`` over and over, after one inference of 1 ms for the warm-up."""
    clock = ScriptedClock(wake_seconds=wake / 1e3)
    times = itertools.chain([1.0], itertools.cycle(milliseconds))
    return time_paced(
        lambda: clock.advance(next(times) / 1e3),
        clock,
        samples=samples,
        max_seconds=longest / 1e3,
        warmup_seconds=0.0,
        every_seconds=every / 1e3,
    )


def test_a_fast_model_is_only_delayed_by_waking_up() -> None:
    found = paced(2.0, wake=0.25)
    assert found.seconds == (0.002,) * 5
    assert found.response_seconds == (0.00225,) * 5
    assert found.cpu_seconds == 0.01
    assert found.wall_seconds == pytest.approx(0.05225)


def test_a_slow_answer_delays_those_that_arrive_meanwhile_and_the_schedule_stays() -> None:
    assert paced(2.0, 25.0, 2.0, 2.0, 2.0).response_seconds == (0.002, 0.025, 0.017, 0.009, 0.002)


def test_a_period_shorter_than_the_service_time_ends_and_shows_the_backlog() -> None:
    found = paced(15.0, every=10.0, samples=1000, longest=100.0)
    assert found.response_seconds == tuple(round(0.015 + 0.005 * late, 9) for late in range(len(found.seconds)))
    assert len(found.seconds) == 7, "the first answer 100 ms or more after the first arrival is the last"


@given(
    times=st.lists(st.integers(1, 50 * MS), min_size=1, max_size=30),
    period=st.integers(MS // 10, 40 * MS),
    wake=st.integers(0, MS),
)
def test_the_response_is_the_service_and_the_wait(times: list[int], period: int, wake: int) -> None:
    clock = ScriptedClock(wake_seconds=wake / 1e9)
    queue = itertools.chain([MS], times)
    found = time_paced(
        lambda: clock.advance(next(queue) / 1e9),
        clock,
        samples=len(times),
        max_seconds=1e3,
        warmup_seconds=0.0,
        every_seconds=period / 1e9,
    )
    assert found.response_seconds is not None
    end = None
    for number, (service, response) in enumerate(zip(times, found.response_seconds, strict=True)):
        arrival = number * period
        start = arrival + wake if end is None or end < arrival else end
        end = start + service
        assert round(response * 1e9) == end - arrival, "Lindley's recursion of a queue with one server"
        assert response >= found.seconds[number]


@pytest.mark.parametrize(
    ("samples", "longest", "warmup", "every"),
    [(0, 1.0, 0.0, 0.1), (MAX_SAMPLES + 1, 1.0, 0.0, 0.1), (1, 0.0, 0.0, 0.1), (1, 1.0, -1.0, 0.1), (1, 1.0, 0.0, 0.0)],
)
def test_settings_out_of_range_are_refused(samples: int, longest: float, warmup: float, every: float) -> None:
    with pytest.raises(InputError, match="must be"):
        time_paced(
            lambda: None,
            ScriptedClock(),
            samples=samples,
            max_seconds=longest,
            warmup_seconds=warmup,
            every_seconds=every,
        )


def test_warms_up_at_the_pace() -> None:
    clock = ScriptedClock()
    found = time_paced(
        lambda: clock.advance(0.001), clock, samples=1, max_seconds=1.0, warmup_seconds=0.05, every_seconds=0.01
    )
    assert found.warmup_runs == 5
