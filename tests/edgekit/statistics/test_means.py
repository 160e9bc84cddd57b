import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from edgekit.statistics.means import mean


def test_none_of_nothing_and_no_interval_of_one() -> None:
    assert mean([]) is None
    one = mean([3.0])
    assert one is not None
    assert (one.value, one.low, one.high) == (3.0, None, None)


def test_is_the_interval_of_student() -> None:
    values = np.random.default_rng(0).normal(10.0, 1.0, size=12).tolist()
    found = mean(values)
    low, high = t.interval(0.95, 11, loc=np.mean(values), scale=np.std(values, ddof=1) / np.sqrt(12))
    assert found is not None
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


@given(st.lists(st.floats(0.0, 1e6), min_size=2, max_size=30))
def test_holds_the_value_and_never_goes_below_zero_for_durations(values: list[float]) -> None:
    found = mean(values)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert 0.0 <= found.low <= found.value + 1e-9
    assert found.high >= found.value
