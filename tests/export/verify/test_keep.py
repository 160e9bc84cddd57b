from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit_export.verify.keep import judge


def right(samples: int, wrong: range = range(0)) -> NDArray[np.bool_]:
    answers = np.ones(samples, bool)
    answers[list(wrong)] = False
    return answers


@pytest.mark.parametrize(
    ("samples", "lost", "gained", "verdict", "accurate", "p_value"),
    [
        (100, 0, 0, "keep", True, 1.0),
        (100, 1, 0, "keep", True, 0.5),
        (100, 4, 0, "keep", None, 0.0625),  # beyond one point, yet chance would do it once in sixteen times
        (100, 5, 0, "drop", False, 1 / 32),
        (100, 6, 6, "keep", True, 0.61279296875),
        (10_000, 90, 0, "keep", True, 0.0),  # certain, and still within one point
    ],
)
def test_dropped_is_what_loses_beyond_the_limit_and_beyond_chance(
    samples: int, lost: int, gained: int, verdict: str, accurate: bool | None, p_value: float
) -> None:
    fp32 = right(samples, range(lost, lost + gained))
    found = judge(size=1, fp32_size=4, right=right(samples, range(lost)), fp32_right=fp32)
    assert (found.verdict, found.accurate, found.smaller) == (verdict, accurate, True)
    assert found.accuracy_drop == pytest.approx((lost - gained) / samples)
    assert found.p_value == pytest.approx(p_value, abs=1e-9)
    assert f"{lost} of {samples} validation samples lost, {gained} gained" in found.reason


def test_the_limit_is_the_users() -> None:
    lost = right(100, range(5))
    assert judge(size=1, fp32_size=4, right=lost, fp32_right=right(100), limit=0.05).verdict == "keep"


def test_what_is_not_smaller_is_dropped_with_or_without_data() -> None:
    for answers in (right(10), None):
        found = judge(size=4, fp32_size=4, right=answers, fp32_right=answers)
        assert (found.verdict, found.smaller) == ("drop", False)
        assert found.reason.startswith("not smaller than fp32")


def test_without_data_the_accuracy_is_not_known() -> None:
    found = judge(size=1, fp32_size=4, right=None, fp32_right=None)
    assert (found.verdict, found.accurate, found.accuracy_drop, found.p_value) == ("keep", None, None, None)
