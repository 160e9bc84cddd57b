import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import quantile_test

from edgekit.statistics.quantiles import quantile, samples_needed

SLICES = st.lists(st.lists(st.floats(1e-6, 1e3), max_size=50), min_size=1, max_size=8)


@given(SLICES, st.sampled_from([0.5, 0.9, 0.99]))
def test_the_interval_holds_the_value_and_both_are_samples(slices: list[list[float]], q: float) -> None:
    found = quantile(slices, q)
    flat = sorted(value for part in slices for value in part)
    for value in (found.value, found.low, found.high):
        assert value is None or value in flat
    if found.low is not None and found.value is not None:
        assert found.low <= found.value
    if found.high is not None and found.value is not None:
        assert found.value <= found.high
    assert 0 <= found.effective_samples <= len(flat)


@given(SLICES, st.sampled_from([0.25, 2.0, 1024.0]), st.sampled_from([0.5, 0.99]))
def test_scaling_the_samples_scales_the_figures(slices: list[list[float]], factor: float, q: float) -> None:
    one = quantile(slices, q)
    two = quantile([[value * factor for value in part] for part in slices], q)
    assert two.effective_samples == one.effective_samples
    for before, after in ((one.value, two.value), (one.low, two.low), (one.high, two.high)):
        assert after == (None if before is None else before * factor)


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
def test_one_slice_gives_the_textbook_interval(q: float) -> None:
    samples = np.random.default_rng(0).lognormal(size=2000)
    found = quantile([samples.tolist()], q)
    expected = quantile_test(samples, p=q).confidence_interval(confidence_level=0.95)
    ordered = np.sort(samples)
    # SciPy inverts the test, edgekit takes the ranks from the binomial: they may differ by one rank.
    for own, other in ((found.low, expected.low), (found.high, expected.high)):
        assert own is not None
        assert abs(int(np.searchsorted(ordered, own)) - int(np.searchsorted(ordered, other))) <= 1


def test_a_p99_needs_368_samples_to_be_bounded_from_above() -> None:
    # notes of MLPerf LoadGen and SciPy agree on this figure for a two-sided 95 % interval
    assert samples_needed(0.99) == 368
    samples = list(np.random.default_rng(1).random(368))
    assert quantile([samples], 0.99).high is not None
    assert quantile([samples[:367]], 0.99).high is None
    assert quantile([samples[:99]], 0.99).value is None


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
def test_covers_the_truth_with_independent_samples(q: float) -> None:
    rng = np.random.default_rng(2)
    truth = -np.log(1 - q)
    hits = 0
    for _ in range(400):
        found = quantile(rng.exponential(size=(20, 100)).tolist(), q)
        hits += found.low is not None and found.high is not None and found.low <= truth <= found.high
    assert hits >= 0.93 * 400


def test_slices_that_differ_are_worth_fewer_samples_and_still_cover() -> None:
    """Each slice is slowed by a factor of its own: pooled samples taken for independent would be far too sure."""
    rng = np.random.default_rng(3)
    spread = 0.3
    truth = float(np.quantile(np.exp(spread * rng.standard_normal(400_000)) * rng.exponential(size=400_000), 0.9))
    hits = naive = 0
    for _ in range(300):
        slow = np.exp(spread * rng.standard_normal((20, 1)))
        slices = (slow * rng.exponential(size=(20, 100))).tolist()
        found = quantile(slices, 0.9)
        pooled = quantile([[value for part in slices for value in part]], 0.9)
        assert found.effective_samples < 2000
        hits += found.low is not None and (found.high is None or found.low <= truth <= found.high)
        naive += pooled.low is not None and pooled.high is not None and pooled.low <= truth <= pooled.high
    assert hits >= 0.92 * 300
    assert naive < hits
