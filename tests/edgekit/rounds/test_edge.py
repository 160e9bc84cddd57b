"""Shares of places over seeds: an interval is never a point, however well a few seeds agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.rounds.edge import _over_seeds
from edgekit.statistics.seeds import mean_over_seeds


@given(st.lists(st.integers(0, 18), min_size=3, max_size=10))
def test_it_is_never_narrower_than_student_or_than_one_place_of_one_seed(counts: list[int]) -> None:
    values = [count / 18 for count in counts]
    found, student = _over_seeds(values, 18), mean_over_seeds(values)
    least = mean_over_seeds([1 / 18, *[0.0] * (len(values) - 1)])
    assert found.value == pytest.approx(student.value)
    assert found.high - found.low >= 0.999 * max(student.high - student.low, least.high - least.low)


def test_seeds_that_agree_leave_room_for_one_that_would_not() -> None:
    found = _over_seeds([0.5] * 3, 10)
    assert found.low < 0.5 < found.high
