"""From arrays to a data set: numbering, splitting, refusing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_export.data.checked import dataset_of
from edgekit_export.data.split import stratified
from edgekit_targets.errors import InputError


def test_a_sound_data_set(arrays: dict[str, Any]) -> None:
    data = dataset_of("x:y", arrays, 0)
    assert data.classes == ("run", "sit", "walk")
    assert [data.classes[label] for label in data.y_test] == list(arrays["y_test"])
    assert data.x_train.dtype == data.x_valid.dtype == np.float32
    assert data.y_train.dtype == np.int64
    described = data.describe()
    assert (described.train, described.validation, described.test) == (18, 6, 12)
    assert (described.length, described.features, described.name) == (5, 2, "x:y")
    assert described.sha256 == data.sha256


def test_validation_comes_from_training_only_and_nothing_is_lost(arrays: dict[str, Any]) -> None:
    data = dataset_of("x:y", arrays, 3)
    together = np.concatenate([data.x_train, data.x_valid])
    as_rows = {row.tobytes() for row in together}
    assert as_rows == {row.tobytes() for row in arrays["x_train"].astype(np.float32)}
    assert len(as_rows) == len(together)
    np.testing.assert_array_equal(data.x_test, arrays["x_test"])
    assert np.bincount(data.y_valid).tolist() == [2, 2, 2]


def test_the_hash_is_of_the_content_and_the_split(arrays: dict[str, Any]) -> None:
    first = dataset_of("x:y", arrays, 0)
    assert dataset_of("another:name", arrays, 0).sha256 == first.sha256
    assert dataset_of("x:y", arrays, 1).sha256 != first.sha256
    arrays["x_test"] = arrays["x_test"].copy()
    arrays["x_test"][0, 0, 0] += 1
    assert dataset_of("x:y", arrays, 0).sha256 != first.sha256


def test_a_given_validation_split_is_kept(arrays: dict[str, Any]) -> None:
    arrays |= {"x_valid": arrays["x_test"] + 1, "y_valid": arrays["y_test"]}
    data = dataset_of("x:y", arrays, 0)
    np.testing.assert_array_equal(data.x_valid, arrays["x_valid"])
    assert len(data.x_train) == 24


def test_classes_written_as_numbers_are_sorted_as_numbers(arrays: dict[str, Any]) -> None:
    arrays["y_train"] = np.repeat(["10", "9", "1"], 8)
    arrays["y_test"] = np.repeat([9, 10, 1], 4)
    data = dataset_of("x:y", arrays, 0)
    assert data.classes == ("1", "9", "10")
    assert [int(data.classes[label]) for label in data.y_test] == list(arrays["y_test"])


def with_nan_in_sample_3() -> np.ndarray:
    x = np.zeros((24, 5, 2))
    x[3, 2, 1] = np.nan
    return x


BROKEN: dict[str, dict[str, Any]] = {
    "lacks y_test": {"y_test": None},
    "has x_valid alone": {"x_valid": np.zeros((2, 5, 2))},
    "x_train has shape \\[24, 5\\].*\\[samples, length, 1\\]": {"x_train": np.zeros((24, 5))},
    "x_train has shape \\[24\\]": {"x_train": np.zeros(24)},
    "x_train is empty": {"x_train": np.zeros((0, 5, 2)), "y_train": np.zeros(0, dtype=int)},
    "x_test holds <U1": {"x_test": np.full((12, 5, 2), "a")},
    "x_train holds complex128": {"x_train": np.zeros((24, 5, 2), dtype=complex)},
    "x_train has 1 values that are NaN.*sample 3": {"x_train": with_nan_in_sample_3()},
    "x_test has 120 values that are NaN, infinite": {"x_test": np.full((12, 5, 2), np.inf)},
    "too large for float32": {"x_test": np.full((12, 5, 2), 1e300)},
    "x_test has width \\(features\\) 3, x_train 2": {"x_test": np.zeros((12, 5, 3))},
    "x_test has length 6, x_train 5": {"x_test": np.zeros((12, 6, 2))},
    "regression": {"y_train": np.linspace(0, 1, 24)},
    "y_train holds object": {"y_train": np.array([None] * 24)},
    "y_train has shape \\[23\\]": {"y_train": np.repeat(["walk"], 23)},
    "y_train has shape \\[24, 1\\]": {"y_train": np.repeat(["walk", "run", "sit"], 8)[:, None]},
    "one class only \\(walk\\)": {"y_train": np.repeat(["walk"], 24), "y_test": np.repeat(["walk"], 12)},
    "y_test has class swim, which never occurs": {"y_test": np.repeat(["swim", "walk", "run"], 4)},
    "class sit has one training sample": {"y_train": np.array(["walk"] * 12 + ["run"] * 11 + ["sit"])},
}


@pytest.mark.parametrize("message", BROKEN)
def test_data_nobody_should_train_on(arrays: dict[str, Any], message: str) -> None:
    changed = arrays | BROKEN[message]
    with pytest.raises(InputError, match=message) as caught:
        dataset_of("npz:some.npz", {key: value for key, value in changed.items() if value is not None}, 0)
    assert str(caught.value).startswith("--data npz:some.npz")
    assert "\n" not in str(caught.value)


@given(st.lists(st.integers(2, 40), min_size=1, max_size=6), st.integers(0, 2**32))
def test_the_split_is_a_partition_with_every_class_on_both_sides(counts: list[int], seed: int) -> None:
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)
    kept, held_out = stratified(labels, seed)
    assert sorted([*kept, *held_out]) == list(range(len(labels)))
    for label, count in enumerate(counts):
        held = int((labels[held_out] == label).sum())
        assert 1 <= held <= count - 1
        assert abs(held - 0.25 * count) <= 1
    again = stratified(labels, seed)
    np.testing.assert_array_equal(again[1], held_out)


def test_another_seed_is_another_split() -> None:
    labels = np.repeat(np.arange(3), 20).astype(np.int64)
    assert stratified(labels, 0)[1].tolist() != stratified(labels, 1)[1].tolist()
