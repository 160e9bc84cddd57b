import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.statistics.means import mean
from edgekit.statistics.sequences import multiplier


def test_none_of_nothing_and_no_interval_of_one() -> None:
    assert mean([]) is None
    one = mean([[3.0]])
    assert one is not None
    assert (one.value, one.low, one.high) == (3.0, None, None)


def test_the_standard_error_is_that_between_slices_or_that_between_launches() -> None:
    rng = np.random.default_rng(0)
    slices = rng.normal(10.0, 1.0, size=(6, 8))
    launches = slices + 5.0 * rng.normal(size=(6, 1))
    alike, apart = mean(slices.tolist()), mean(launches.tolist())
    assert alike is not None
    assert apart is not None
    assert alike.high is not None
    assert apart.high is not None
    error = np.std(launches.mean(axis=1), ddof=1) / np.sqrt(6)
    assert apart.high - apart.value == pytest.approx(multiplier(6, 6) * error)
    between_slices = multiplier(48, 6) * np.std(slices, ddof=1) / np.sqrt(48)
    assert alike.high - alike.value >= between_slices - 1e-12


@pytest.mark.parametrize("per_launch", [0.0, 0.5, 3.0])
def test_holds_at_every_look_whatever_launches_do(per_launch: float) -> None:
    """1,000 runs looked at after each of 5 to 24 launches: 95 % are right at all of these looks."""
    rng = np.random.default_rng(4)
    wrong = 0
    for _ in range(1000):
        launches = rng.normal(10.0, 1.0, size=(24, 6)) + per_launch * rng.normal(size=(24, 1))
        found = [mean(launches[:looks].tolist()) for looks in range(5, 25)]
        wrong += any(one.low > 10.0 or one.high < 10.0 for one in found if one and one.low and one.high)
    assert wrong <= 50


@given(st.lists(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=6), min_size=2, max_size=8))
def test_holds_the_value_and_never_goes_below_zero_for_durations(launches: list[list[float]]) -> None:
    found = mean(launches)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert 0.0 <= found.low <= found.value + 1e-9
    assert found.high >= found.value - 1e-9
