"""Warm-up found in samples whose warm-up is known."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.statistics.warmup import warmup_length
from edgekit_targets.runtimes.noise import drifting, lognormal, warming


def slices(make: object, count: int = 30, length: int = 100) -> list[list[float]]:
    assert callable(make)
    return [[make(seed)(index) for index in range(length)] for seed in range(count)]


def test_a_known_warmup_is_cut_and_not_much_more() -> None:
    cut = warmup_length(slices(lambda seed: warming(lognormal(1e-3, 0.1, seed), factor=3.0, runs=5.0)))
    assert cut is not None
    assert 5 <= cut <= 50, "after 5 runs the excess is still 74 %, after 50 it is 0.01 %"


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), sigma=st.floats(0.01, 0.5))
def test_without_a_warmup_nothing_is_cut(seed: int, sigma: float) -> None:
    assert warmup_length(slices(lambda one: lognormal(1e-3, sigma, seed * 100 + one))) == 0


def test_a_series_that_never_settles_is_said_to() -> None:
    assert warmup_length(slices(lambda seed: drifting(lognormal(1e-3, 0.01, seed), per_run=0.01))) is None


def test_slow_samples_of_single_slices_stay() -> None:
    found = slices(lambda seed: lognormal(1e-3, 0.01, seed))
    found[3][0:10] = [0.1] * 10
    assert warmup_length(found) == 0


def test_too_little_to_tell_is_no_warmup() -> None:
    assert warmup_length([]) == 0
    assert warmup_length([[3.0, 1.0, 1.0]] * 30) == 0
    assert warmup_length([[3.0] + [1.0] * 50] * 4) == 0
