"""Less data: nested, every class kept or the fraction refused, the test part never touched."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgekit.rounds.business.subsets import first_steps, subset
from edgekit_export.data.checked import dataset_of
from edgekit_export.data.contract import Dataset

COUNTS = st.lists(st.integers(2, 30), min_size=2, max_size=4)
FRACTIONS = st.floats(0.01, 1.0)


def make(counts: list[int], seed: int) -> Dataset:
    """Every sample is its own number, so that each can be told from all others."""
    labels = np.repeat(np.arange(len(counts)), counts)
    total = len(labels)
    x = np.arange(2 * total, dtype=np.float32).repeat(3).reshape(2 * total, 3, 1)
    return dataset_of("made", {"x_train": x[:total], "y_train": labels, "x_test": x[total:], "y_test": labels}, seed)


def ids(x: np.ndarray) -> set[float]:
    return set(x[:, 0, 0].tolist())


@given(COUNTS, FRACTIONS, FRACTIONS, st.integers(0, 99))
def test_adding_training_data_never_changes_the_test_part_and_keeps_what_was_there(
    counts: list[int], one: float, other: float, seed: int
) -> None:
    whole = make(counts, seed)
    small, large = (subset(whole, fraction, seed) for fraction in sorted((one, other)))
    for found in (small, large):
        if found is not None:
            assert np.array_equal(found.x_test, whole.x_test)
            assert np.array_equal(found.y_test, whole.y_test)
    if small is not None:
        assert large is not None, "more data cannot be too little"
        assert ids(small.x_train) <= ids(large.x_train)
        assert ids(small.x_valid) <= ids(large.x_valid)


@given(COUNTS, FRACTIONS, st.integers(0, 99))
def test_no_test_sample_reaches_training_or_validation(counts: list[int], fraction: float, seed: int) -> None:
    found = subset(make(counts, seed), fraction, seed)
    if found is None:
        return
    assert not (ids(found.x_train) | ids(found.x_valid)) & ids(found.x_test)
    assert not ids(found.x_train) & ids(found.x_valid)
    assert set(found.y_train) == set(found.y_valid) == set(range(len(counts)))


@given(COUNTS, st.integers(0, 99))
def test_all_of_it_is_all_of_it(counts: list[int], seed: int) -> None:
    whole = make(counts, seed)
    found = subset(whole, 1.0, seed)
    assert found is not None
    assert found.sha256 == whole.sha256, "so that its training is the export's own"


@given(st.floats(0.01, 1.0))
def test_fewer_steps_are_the_first_ones(share: float) -> None:
    whole = make([4, 4], 0)
    found = first_steps(whole, share)
    assert 1 <= found.length <= whole.length
    assert np.array_equal(found.x_test, whole.x_test[:, : found.length])
