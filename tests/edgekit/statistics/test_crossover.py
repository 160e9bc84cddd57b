"""Crossings of measured curves."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.statistics.crossover import Point, crossing

LENGTHS = [8.0, 16.0, 32.0, 64.0, 128.0, 256.0]


def curve(scale: float, power: float, noise: float = 0.02) -> list[Point]:
    values = [scale * x**power for x in LENGTHS]
    return [Point(x, y, y * (1 - noise), y * (1 + noise)) for x, y in zip(LENGTHS, values, strict=True)]


@given(at=st.floats(9.0, 250.0), steep=st.floats(0.6, 2.0), flat=st.floats(0.0, 0.5), scale=st.floats(1e-6, 1.0))
def test_power_laws_cross_where_they_do(at: float, steep: float, flat: float, scale: float) -> None:
    found = crossing(curve(scale * at ** (flat - steep), steep), curve(scale, flat))
    assert found is not None
    assert found.x == pytest.approx(at, rel=1e-6)
    assert found.crossings == 1
    for end, sign in ((found.low, -1), (found.high, 1)):
        assert end is None or sign * (end - at) >= 0


def test_the_interval_is_where_the_ratio_cannot_be_told_from_one() -> None:
    found = crossing(curve(1.0 / 50.0, 1.0, noise=0.03), curve(1.0, 0.0, noise=0.04))
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    half = math.hypot(-math.log(0.97), -math.log(0.96))
    assert found.low == pytest.approx(50.0 * math.exp(-half), rel=1e-6)
    assert found.high == pytest.approx(50.0 * math.exp(half), rel=1e-6)
    assert (found.below_before, found.below_after) == (0, 1)


def test_curves_that_do_not_cross_say_who_is_below() -> None:
    found = crossing(curve(2.0, 1.0), curve(1.0, 1.0))
    assert found is not None
    assert (found.x, found.low, found.high, found.crossings) == (None, None, None, 0)
    assert (found.below_before, found.below_after) == (1, 1)


def test_equal_curves_are_told_apart_nowhere() -> None:
    found = crossing(curve(1.0, 1.0), curve(1.0, 1.0))
    assert found is not None
    assert (found.x, found.below_before, found.below_after) == (None, None, None)


def test_fewer_than_two_common_lengths_say_nothing() -> None:
    assert crossing(curve(1.0, 1.0)[:1], curve(2.0, 1.0)) is None
    assert crossing([], []) is None


def test_an_end_beyond_what_was_measured_is_missing() -> None:
    found = crossing(curve(1.0 / 9.0, 1.0, noise=0.3), curve(1.0, 0.0, noise=0.3))
    assert found is not None
    assert found.low is None
    assert found.high is not None
    assert found.below_before is None


@given(missing=st.sets(st.integers(0, len(LENGTHS) - 1), min_size=1), upper=st.booleans())
def test_a_figure_without_an_end_settles_nothing_where_it_stands(missing: set[int], upper: bool) -> None:
    exact = curve(1.0 / 50.0, 1.0, noise=0.0)
    loose = [
        Point(one.x, one.value, one.low if upper else None, None if upper else one.high) if at in missing else one
        for at, one in enumerate(exact)
    ]
    found = crossing(loose, curve(1.0, 0.0, noise=0.0))
    assert found is not None
    assert found.x == pytest.approx(50.0)
    for at in missing & {2, 3}:  # 32 and 64, between which they cross
        assert (found.low if at == 2 else found.high) != pytest.approx(50.0)
    assert (found.below_before is None) == (0 in missing)
    assert (found.below_after is None) == (len(LENGTHS) - 1 in missing)
    if {2, 3} <= missing:
        assert found.low is None or found.low <= 16.0 * (1 + 1e-6)
        assert found.high is None or found.high >= 128.0 * (1 - 1e-6)
