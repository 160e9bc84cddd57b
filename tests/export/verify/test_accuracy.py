from __future__ import annotations

import numpy as np
import pytest

from edgekit_export.verify.accuracy import accuracy


def test_share_and_wilson_interval() -> None:
    logits = np.zeros((100, 3), np.float32)
    logits[:, 1] = 1
    labels = np.array([1] * 90 + [2] * 10)
    found = accuracy(logits, labels)
    assert (found.metric, found.value, found.samples) == ("accuracy", 0.9, 100)
    # Wilson (1927) for 90 of 100, as in Brown, Cai and DasGupta (2001): (0.8256, 0.9448).
    assert found.low == pytest.approx(0.8256, abs=1e-4)
    assert found.high == pytest.approx(0.9448, abs=1e-4)


@pytest.mark.parametrize(("label", "value"), [(0, 1.0), (1, 0.0)])
def test_all_and_none_right_still_have_an_interval(label: int, value: float) -> None:
    found = accuracy(np.array([[1.0, 0.0]] * 10, np.float32), np.full(10, label))
    assert found.value == value
    assert 0.0 <= found.low < found.high <= 1.0
    assert found.high - found.low == pytest.approx(0.2775, abs=1e-3)
