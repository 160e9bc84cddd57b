import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from edgekit.statistics.proportions import Bools, Estimate, difference, paired_difference

COUNTS = st.lists(st.integers(0, 40), min_size=4, max_size=4).filter(any)


def pairs(both: int, only_first: int, only_second: int, neither: int) -> tuple[Bools, Bools]:
    first = np.repeat([True, True, False, False], [both, only_first, only_second, neither])
    second = np.repeat([True, False, True, False], [both, only_first, only_second, neither])
    return first, second


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [((36, 12, 2, 0), 0.0569, 0.3404), ((20, 12, 2, 16), 0.0562, 0.3292), ((54, 0, 0, 0), -0.0664, 0.0664)],
)
def test_gives_what_newcombe_printed(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    found = paired_difference(*pairs(*counts))
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_the_test_is_mcnemars_and_looks_only_at_what_differs() -> None:
    found = paired_difference(*pairs(36, 12, 2, 0))
    assert found.p_value == pytest.approx(2 * stats.binom.cdf(2, 14, 0.5))
    assert paired_difference(*pairs(500, 12, 2, 40)).p_value == found.p_value
    assert paired_difference(*pairs(9, 0, 0, 1)).p_value == 1.0


@given(COUNTS)
def test_turned_round_it_is_the_same_the_other_way(counts: list[int]) -> None:
    first, second = pairs(*counts)
    one, other = paired_difference(first, second), paired_difference(second, first)
    assert one.value == pytest.approx(-other.value)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.p_value == pytest.approx(other.p_value)
    assert -1.0 <= one.low <= one.value <= one.high <= 1.0


@given(st.integers(30, 200), st.integers(0, 5), st.integers(0, 5), st.integers(5, 50))
def test_pairs_that_agree_tell_more_than_two_samples_would(both: int, one: int, other: int, neither: int) -> None:
    first, second = pairs(both, one, other, neither)
    found = paired_difference(first, second)
    alone = [stats.binomtest(int(each.sum()), each.size).proportion_ci(method="wilson") for each in (first, second)]
    apart = difference(
        *(Estimate(float(each.mean()), ci.low, ci.high) for each, ci in zip((first, second), alone, strict=True))
    )
    assert found.high - found.low <= apart.high - apart.low + 1e-12
    assert apart.p_value is None


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Exact coverage over all outcomes of 30 pairs, without drawing any."""
    chances = (0.80, 0.10, 0.04, 0.06)
    count, covered, weight = 30, 0.0, 0.0
    for both in range(count + 1):
        for one in range(count + 1 - both):
            for other in range(count + 1 - both - one):
                cells = (both, one, other, count - both - one - other)
                chance = float(stats.multinomial.pmf(cells, count, chances))
                if chance < 1e-5:
                    continue
                found = paired_difference(*pairs(*cells))
                weight += chance
                covered += chance * (found.low <= chances[1] - chances[2] <= found.high)
    assert weight > 0.97
    assert covered / weight > 0.93


def test_refuses_what_is_no_pair() -> None:
    with pytest.raises(ValueError, match="same samples"):
        paired_difference(np.array([True]), np.array([True, False]))
    with pytest.raises(ValueError, match="at least one"):
        paired_difference(np.array([], bool), np.array([], bool))
