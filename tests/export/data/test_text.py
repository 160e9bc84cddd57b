"""Token ids with their vocabulary, and the small text set that edgekit makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_export.data import load
from edgekit_export.data.checked import dataset_of
from edgekit_export.data.text import EXAMPLE
from edgekit_targets.errors import InputError


@pytest.fixture
def tokens() -> dict[str, Any]:
    generator = np.random.default_rng(0)
    return {
        "x_train": generator.integers(0, 4, size=(12, 5)),
        "y_train": np.repeat(["yes", "no"], 6),
        "x_test": generator.integers(0, 4, size=(4, 5)).astype(np.uint8),
        "y_test": np.repeat(["no", "yes"], 2),
        "vocab": np.array(["<unk>", "a", "b", "c"]),
    }


def test_tokens_keep_their_vocabulary(tokens: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "text.npz", **tokens)
    data = load(f"npz:{tmp_path / 'text.npz'}")
    assert data.vocab == ("<unk>", "a", "b", "c")
    assert data.x_train.dtype == data.x_valid.dtype == data.x_test.dtype == np.int64
    np.testing.assert_array_equal(data.x_test, tokens["x_test"])
    described = data.describe()
    assert (described.length, described.features, described.vocab) == (5, 1, data.vocab)


def test_another_vocabulary_is_another_set(tokens: dict[str, Any]) -> None:
    first = dataset_of("x:y", tokens, 0)
    assert dataset_of("x:y", tokens | {"vocab": np.array(["<unk>", "b", "a", "c"])}, 0).sha256 != first.sha256


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"vocab": np.array(["a", "b", "c", "d"])}, "vocab lacks <unk>"),
        ({"vocab": np.array(["<unk>", "a", "a", "d"])}, "each token once"),
        ({"vocab": np.array(["<unk>", "a", "b c", "d"])}, "has a space"),
        ({"vocab": np.array(["<unk>", "a", "", "d"])}, "empty"),
        ({"vocab": np.arange(4)}, "vocab holds int64"),
        ({"vocab": np.array(["<unk>", "a", "b"])}, "token id 3; the vocab has ids 0 to 2"),
        ({"x_test": np.full((4, 5), -1)}, "x_test has token id -1"),
        ({"x_test": np.zeros((4, 5))}, "x_test holds float64.*token ids"),
        ({"x_test": np.zeros((4, 5, 1), dtype=int)}, "x_test holds int64 \\[4, 5, 1\\].*\\[samples, length\\]"),
        ({"x_train": np.zeros((0, 5), dtype=int), "y_train": np.zeros(0, dtype=int)}, "x_train is empty"),
        ({"x_test": np.zeros((4, 6), dtype=int)}, "x_test has length 6, x_train 5"),
    ],
)
def test_text_nobody_can_train_on(tokens: dict[str, Any], changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        dataset_of("npz:text.npz", tokens | changed, 0)
    assert str(caught.value).startswith("--data npz:text.npz")


def test_ids_without_a_vocabulary_say_what_is_missing(tokens: dict[str, Any]) -> None:
    del tokens["vocab"]
    with pytest.raises(InputError, match="token ids need an array vocab"):
        dataset_of("npz:text.npz", tokens, 0)


def test_the_remarks_are_distinct_balanced_and_decided_by_two_words() -> None:
    data = load("text:remarks")
    assert data.vocab is not None
    assert data.sha256 == load("text:remarks").sha256
    together = [tuple(row) for part in (data.x_train, data.x_valid, data.x_test) for row in part]
    assert len(set(together)) == len(together) == 1200
    assert " ".join(data.vocab[token] for token in data.x_test[0]) == EXAMPLE
    for labels in (data.y_train, data.y_valid, data.y_test):
        counts = np.bincount(labels)
        assert counts.max() <= counts.min() + 3
    deciding: dict[tuple[int, int], set[int]] = {}
    for row, label in zip(data.x_test, data.y_test, strict=True):
        deciding.setdefault((int(row[3]), int(row[6])), set()).add(int(label))
    assert all(len(labels) == 1 for labels in deciding.values())
    for place in (3, 6):
        alone: dict[int, set[int]] = {}
        for row, label in zip(data.x_test, data.y_test, strict=True):
            alone.setdefault(int(row[place]), set()).add(int(label))
        assert all(len(labels) > 1 for labels in alone.values())


def test_there_is_one_text_set() -> None:
    with pytest.raises(InputError, match="--data text:novels does not exist; there is text:remarks"):
        load("text:novels")
