"""Half-widths of logarithms."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.statistics.ratios import log_half_width


@given(value=st.floats(1e-9, 1e9), down=st.floats(1.0, 10.0), up=st.floats(1.0, 10.0))
def test_the_larger_half_counts(value: float, down: float, up: float) -> None:
    assert log_half_width(value, value / down, value * up) == pytest.approx(math.log(max(down, up)), abs=1e-12)


def test_an_end_that_is_missing_is_anywhere() -> None:
    assert log_half_width(2.0, None, None) == math.inf
    assert log_half_width(2.0, 1.0, None) == log_half_width(2.0, None, 4.0) == math.inf
