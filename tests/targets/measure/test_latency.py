from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_targets.errors import InputError
from edgekit_targets.measure.clock import RealClock, ScriptedClock
from edgekit_targets.measure.latency import MAX_SAMPLES, time_slice


class Work:
    """Takes the scripted times one after the other, over and over, half of a core each."""

    def __init__(self, *seconds: float) -> None:
        self.clock = ScriptedClock()
        self.seconds = seconds
        self.calls = 0
        self.collecting: set[bool] = set()

    def __call__(self) -> None:
        self.clock.advance(self.seconds[self.calls % len(self.seconds)], cores=0.5)
        self.calls += 1
        self.collecting.add(gc.isenabled())


def test_every_sample_is_exact_and_in_order() -> None:
    work = Work(0.001, 0.002, 0.004)
    found = time_slice(work, work.clock, samples=5, max_seconds=1.0, warmup_seconds=0.0)
    assert found.warmup_runs == 1
    assert found.seconds == (0.002, 0.004, 0.001, 0.002, 0.004)
    assert found.wall_seconds == 0.013
    assert found.cpu_seconds == 0.0065


def test_warms_up_for_its_time_and_at_least_once() -> None:
    for warmup, runs in [(0.0, 1), (0.0005, 1), (0.001, 1), (0.0011, 2), (0.01, 10)]:
        work = Work(0.001)
        found = time_slice(work, work.clock, samples=3, max_seconds=1.0, warmup_seconds=warmup)
        assert (found.warmup_runs, work.calls) == (runs, runs + 3)


@given(
    st.integers(1, 40), st.floats(1e-6, 0.05, allow_nan=False), st.lists(st.floats(1e-6, 0.01), min_size=1, max_size=5)
)
def test_stops_at_the_samples_or_the_time_whichever_comes_first(
    samples: int, limit: float, seconds: list[float]
) -> None:
    work = Work(*seconds)
    found = time_slice(work, work.clock, samples=samples, max_seconds=limit, warmup_seconds=0.0)
    count = len(found.seconds)
    assert 1 <= count <= samples
    assert found.wall_seconds == pytest.approx(sum(found.seconds))
    if count < samples:
        assert found.wall_seconds >= limit - 1e-9
    assert sum(found.seconds[:-1]) < limit + 1e-9


def test_the_garbage_collector_rests_only_meanwhile() -> None:
    work = Work(0.001)
    time_slice(work, work.clock, samples=3, max_seconds=1.0, warmup_seconds=0.0)
    assert work.collecting == {True, False}
    assert gc.isenabled()

    def fails() -> None:
        if not gc.isenabled():
            raise RuntimeError("in the timed part")

    with pytest.raises(RuntimeError, match="timed part"):
        time_slice(fails, work.clock, samples=3, max_seconds=1.0, warmup_seconds=0.0)
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("samples", "limit", "warmup"), [(0, 1.0, 0.0), (MAX_SAMPLES + 1, 1.0, 0.0), (1, 0.0, 0.0), (1, 1.0, -1.0)]
)
def test_settings_out_of_range(samples: int, limit: float, warmup: float) -> None:
    work = Work(0.001)
    with pytest.raises(InputError):
        time_slice(work, work.clock, samples=samples, max_seconds=limit, warmup_seconds=warmup)
    assert work.calls == 0


def test_the_real_clock_counts_work() -> None:
    clock = RealClock()
    found = time_slice(lambda: sum(range(20_000)), clock, samples=20, max_seconds=10.0, warmup_seconds=0.0)
    assert min(found.seconds) > 0
    assert found.cpu_seconds > 0
    assert sum(found.seconds) <= found.wall_seconds
