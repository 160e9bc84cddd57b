"""Ratios of times from launches: of rounds in common and apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.statistics.paired import FEWEST_LAUNCHES, apart, ratio, typical

TIMES = st.floats(1e-6, 1.0)
LAUNCHES = st.lists(TIMES, min_size=1, max_size=8)


def rounds(launches: list[float]) -> dict[tuple[int, int], tuple[float, ...]]:
    return {(launch, turn): (seconds,) * 3 for launch, seconds in enumerate(launches) for turn in range(2)}


@given(LAUNCHES, LAUNCHES)
def test_apart_is_the_quotient_of_both_and_turns_around(first: list[float], second: list[float]) -> None:
    found, other = apart(rounds(first), rounds(second)), apart(rounds(second), rounds(first))
    mine, theirs = typical(rounds(first)), typical(rounds(second))
    assert found is not None
    assert other is not None
    assert mine is not None
    assert theirs is not None
    assert found.value == pytest.approx(mine.value / theirs.value)
    assert found.value == pytest.approx(1.0 / other.value)
    known = min(len(first), len(second)) >= FEWEST_LAUNCHES
    assert (found.low is not None) == known
    if found.low is not None and found.high is not None:
        assert other.low is not None
        assert found.low <= found.value <= found.high
        assert found.high == pytest.approx(1.0 / other.low)


@given(st.lists(TIMES, min_size=3, max_size=8), st.floats(0.5, 2.0))
def test_a_factor_that_every_launch_has_is_the_ratio_and_certain_in_pairs_alone(
    launches: list[float], factor: float
) -> None:
    slower = rounds([factor * one for one in launches])
    paired, other = ratio(slower, rounds(launches)), apart(slower, rounds(launches))
    assert paired is not None
    assert other is not None
    assert paired.value == pytest.approx(factor)
    assert paired.low == pytest.approx(factor)
    assert other.low is not None
    assert other.low <= factor * (1 + 1e-9)


def test_without_a_launch_there_is_nothing_to_tell() -> None:
    assert typical({}) is None
    assert apart({}, rounds([1.0])) is None
    assert apart({(0, 0): ()}, rounds([1.0])) is None
