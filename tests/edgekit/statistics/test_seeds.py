"""Intervals over seeds and test samples: they cover what they should, and know nothing from one seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.statistics.proportions import Difference
from edgekit.statistics.seeds import difference_over_seeds, mean_over_seeds, pooled, share_over_seeds, wilson

ANSWERS = st.integers(0, 2**32 - 1).map(
    lambda seed: (np.random.default_rng(seed).random((3 + seed % 4, 5 + seed % 40)) < 0.1 + 0.8 * (seed % 7) / 6) * 1.0
)


@given(ANSWERS)
def test_a_share_lies_inside_its_interval_and_the_interval_inside_0_and_1(right: np.ndarray) -> None:
    found = share_over_seeds(right)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.value == pytest.approx(right.mean())
    assert found.high > found.low, "not even a perfect score is certain"


@given(ANSWERS)
def test_a_difference_turns_its_sign_with_its_sides(right: np.ndarray) -> None:
    other = np.roll(right, 1, axis=1)
    one, back = difference_over_seeds(right, other), difference_over_seeds(other, right)
    assert one.value == pytest.approx(-back.value)
    assert one.low == pytest.approx(-back.high)
    assert one.high == pytest.approx(-back.low)


def test_a_family_against_itself_is_a_tie() -> None:
    right = (np.random.default_rng(0).random((3, 50)) < 0.8).astype(np.float64)
    found = difference_over_seeds(right, right)
    assert found.low < 0.0 < found.high


def test_the_interval_of_a_difference_covers_what_other_seeds_and_samples_give() -> None:
    """Models differ by seed, samples by difficulty: two-way data with a known mean difference."""
    generator = np.random.default_rng(1)
    covered, runs, truth = 0, 400, 0.05
    for _ in range(runs):
        easy = np.clip(generator.normal(0.6, 0.1, size=200), 0.2, 0.8)
        skill = generator.normal(0.0, 0.04, size=(2, 3, 1))
        chance = np.clip(easy[None, None] + skill + np.array([truth, 0.0])[:, None, None], 0.0, 1.0)
        right = (generator.random(chance.shape) < chance) * 1.0
        found = difference_over_seeds(right[0], right[1])
        covered += found.low <= truth <= found.high
    assert covered / runs >= 0.93


def test_one_seed_gives_no_interval() -> None:
    with pytest.raises(ValueError, match="two or more"):
        share_over_seeds(np.ones((1, 9)))
    with pytest.raises(ValueError, match="two or more"):
        mean_over_seeds([1.0])


def test_pairs_need_the_same_seeds_and_samples() -> None:
    with pytest.raises(ValueError, match="same seeds"):
        difference_over_seeds(np.ones((3, 9)), np.ones((3, 8)))


def test_the_mean_over_seeds_is_students() -> None:
    found = mean_over_seeds([1.0, 2.0, 3.0])
    assert found.value == 2.0
    assert found.high - found.value == pytest.approx(4.302653 / 3**0.5, rel=1e-5)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_pooling_narrows(parts: list[tuple[float, float, float]]) -> None:
    given_ = [Difference(value, value - down, value + up, None) for value, down, up in parts]
    found = pooled(given_)
    assert found.value == pytest.approx(sum(one.value for one in given_) / len(given_))
    assert found.high - found.low <= max(one.high - one.low for one in given_) + 1e-9


@given(st.floats(0, 1), st.integers(1, 1000))
def test_wilson_of_any_share(share: float, count: int) -> None:
    found = wilson(share, count)
    assert 0.0 <= found.low <= share <= found.high <= 1.0
