"""A processor that is slower at times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.profiling.slowed import SLOWER, WORTH_TELLING, slowed_of, slowed_warnings

seconds = st.floats(1e-5, 1e-2)


@given(st.lists(st.none() | seconds, max_size=50))
def test_it_is_a_ratio_to_the_best(yardsticks: list[float | None]) -> None:
    found = slowed_of(yardsticks)
    told = [one for one in yardsticks if one is not None]
    if not told:
        assert found is None
        return
    assert found is not None
    assert found.share == sum(one >= SLOWER * min(told) for one in told) / len(told)
    assert found.times == 1.0 if found.share == 0.0 else SLOWER <= found.times <= max(told) / min(told)
    assert bool(slowed_warnings(found)) == (found.share >= WORTH_TELLING)
    scaled = slowed_of([one * 2.0 if one is not None else None for one in yardsticks])
    assert scaled == found, "another processor, another loop: no unit"


def test_without_a_yardstick_nothing_is_said() -> None:
    assert slowed_of([None, None]) is None
    assert slowed_warnings(None) == []


@pytest.mark.parametrize(("slow", "told"), [(0, False), (1, False), (4, True), (19, True)])
def test_rare_slices_are_no_mixture(slow: int, told: bool) -> None:
    assert bool(slowed_warnings(slowed_of([1.0] * (20 - slow) + [2.0] * slow))) == told
