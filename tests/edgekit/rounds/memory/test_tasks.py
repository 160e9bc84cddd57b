"""Made tasks: the answer lies where it is said to, and samples do not depend on how many there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.rounds.memory.lasting import SAMPLES, STRETCHES, streams
from edgekit.rounds.memory.tasks import LEAD, SYMBOLS, adding, recall
from edgekit_targets.errors import InputError


@given(st.integers(1, 40), st.integers(1, 20), st.integers(0, 30))
def test_the_answer_is_the_marked_symbol_that_many_steps_back(distance: int, samples: int, extra: int) -> None:
    arrays = recall(distance, samples, 5, length=distance + 1 + extra)
    for part in ("train", "valid", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        steps = np.arange(x.shape[1])[x[0, :, SYMBOLS] == 1.0]
        assert steps.tolist() == [x.shape[1] - 1 - distance], "one mark, there"
        assert (x[:, -1 - distance, :SYMBOLS].argmax(axis=1) == y).all()
        assert (x[:, :, :SYMBOLS].sum(axis=2) == 1.0).all()


def test_without_a_length_there_is_a_short_lead() -> None:
    assert recall(8, 4, 4)["x_train"].shape == (4, 9 + LEAD, SYMBOLS + 1)


@given(st.integers(1, 30), st.integers(0, 30))
def test_a_sequence_too_short_for_its_distance_is_refused(distance: int, short: int) -> None:
    with pytest.raises(InputError, match=r"--length .* --distances"):
        recall(distance, 4, 4, length=min(short, distance))


@given(st.integers(2, 60), st.integers(1, 20))
def test_the_sum_of_the_two_marked_numbers_decides(length: int, samples: int) -> None:
    arrays = adding(length, samples, 6)
    x, y = arrays["x_train"].astype(np.float32), arrays["y_train"]
    assert (x[:, :, 1].sum(axis=1) == 2.0).all()
    assert (x[:, : length // 2, 1].sum(axis=1) == 1.0).all()
    sums = (x[:, :, 0] * x[:, :, 1]).sum(axis=1)
    assert ((sums > 1.0) == (y == 1)).all()


@pytest.mark.parametrize("make", [lambda samples: recall(5, samples, 9), lambda samples: adding(12, samples, 9)])
def test_more_training_samples_change_no_other_sample(make: object) -> None:
    few, many = make(8), make(64)  # type: ignore[operator]
    for part in ("x_valid", "y_valid", "x_test", "y_test"):
        assert np.array_equal(few[part], many[part])


def test_no_test_sample_is_among_the_training_samples() -> None:
    arrays = recall(16, 200, 100)
    seen = {row.tobytes() for row in arrays["x_train"]} | {row.tobytes() for row in arrays["x_valid"]}
    assert not any(row.tobytes() in seen for row in arrays["x_test"])


def test_streams_renew_what_is_to_be_told_or_keep_it() -> None:
    kept, asked = streams(3, 10, renewed=False)
    assert kept.shape == (SAMPLES, 10 * STRETCHES, SYMBOLS + 1)
    assert kept[:, :, SYMBOLS].sum(axis=1).tolist() == [1.0] * SAMPLES
    assert (asked == asked[:, :1]).all()
    renewed, answers = streams(3, 10, renewed=True)
    ends = np.arange(STRETCHES) * 10 + 9
    assert (renewed[:, ends - 3, :SYMBOLS].argmax(axis=2) == answers).all()
    assert renewed[:, :, SYMBOLS].sum(axis=1).tolist() == [float(STRETCHES)] * SAMPLES
