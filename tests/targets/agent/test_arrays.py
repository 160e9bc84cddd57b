from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_targets.agent import arrays
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Tensor


def tensor(name: str = "x", dtype: str = "float32", shape: tuple[int | str, ...] = ("batch", 3)) -> Tensor:
    return Tensor(name=name, dtype=dtype, shape=shape)


def test_saved_arrays_are_loaded_by_their_prefix(tmp_path: Path) -> None:
    path = tmp_path / "deep/a.npz"
    arrays.save(path, arrays.OUTPUT, {"y": np.arange(3), "file": np.ones(2)})
    found = arrays.load(path, arrays.OUTPUT)
    assert sorted(found) == ["file", "y"]
    assert found["y"].tolist() == [0, 1, 2]
    assert arrays.load(path, arrays.INPUT) == {}


def test_what_is_no_npz(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(InputError, match="No such file"):
        arrays.load(path, arrays.INPUT)
    path.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(InputError, match=r"no \.npz"):
        arrays.load(path, arrays.INPUT)
    arrays.save(path, "input.", {"x": np.arange(1000)})
    whole = path.read_bytes()
    for length in range(1, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"no \.npz"):
            arrays.load(path, arrays.INPUT)


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    arrays.save(path, "input.", {"x": np.arange(1000)})
    content = bytearray(path.read_bytes())
    content[600] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"no \.npz"):
        arrays.load(path, arrays.INPUT)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("input.x.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': oops}\n")
    with pytest.raises(InputError, match=r"no \.npz"):
        arrays.load(path, arrays.INPUT)


@pytest.mark.parametrize("value", [np.array([{}], dtype=object), np.array(["words"]), np.array([1j])])
def test_objects_and_words_are_refused(tmp_path: Path, value: Any) -> None:
    arrays.save(tmp_path / "a.npz", "input.", {"x": value})
    with pytest.raises(InputError, match=r"a\.npz"):
        arrays.load(tmp_path / "a.npz", arrays.INPUT)


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_MAX_BYTES", 1000)
    arrays.save(tmp_path / "a.npz", "input.", {"x": np.zeros(10_000)})
    with pytest.raises(InputError, match="unpacks to more"):
        arrays.load(tmp_path / "a.npz", arrays.INPUT)


def test_timing_uses_golden_samples_where_they_fit() -> None:
    golden = {"x": np.arange(12, dtype=np.float32).reshape(4, 3)}
    feeds = arrays.timing_feeds({"x": (2, 3)}, golden, (tensor(),))
    np.testing.assert_array_equal(feeds["x"], golden["x"][:2])
    noise = arrays.timing_feeds({"x": (5, 3)}, golden, (tensor(),))["x"]
    assert noise.shape == (5, 3)
    assert noise.dtype == np.float32
    assert -1 <= noise.min() < noise.max() < 1
    np.testing.assert_array_equal(noise, arrays.timing_feeds({"x": (5, 3)}, {}, (tensor(),))["x"])


@pytest.mark.parametrize(("dtype", "zero"), [("int64", True), ("bool", True), ("float16", False), ("float64", False)])
def test_inputs_without_data_are_filled_by_their_type(dtype: str, zero: bool) -> None:
    value = arrays.timing_feeds({"x": (4, 3)}, {}, (tensor(dtype=dtype),))["x"]
    assert str(value.dtype) == dtype
    assert (not value.any()) == zero


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({}, "input x of the model has no shape.*--shape x="),
        ({"x": np.ones((1, 3)), "z": np.ones(1)}, "no input z; its inputs are: x"),
        ({"x": np.ones(3)}, "input x takes batchx3, not 3"),
        ({"x": np.ones((1, 4))}, "input x takes batchx3, not 1x4"),
        ({"x": np.float32(1)}, "input x takes batchx3, not a single number"),
    ],
)
def test_arrays_that_do_not_fit(feeds: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        arrays.fit(feeds, (tensor(),))


def test_numbers_of_one_kind_are_converted_and_others_refused() -> None:
    assert arrays.fit({"x": np.ones((1, 3))}, (tensor(),))["x"].dtype == np.float32
    assert arrays.fit({"x": np.ones((1, 3), np.int64)}, (tensor(dtype="int32"),))["x"].dtype == np.int32
    with pytest.raises(InputError, match="input x takes int64, not float64"):
        arrays.fit({"x": np.ones((1, 3))}, (tensor(dtype="int64"),))


def test_a_model_without_inputs_takes_nothing() -> None:
    assert arrays.timing_feeds({}, {}, ()) == {}
    with pytest.raises(InputError, match="its inputs are: none"):
        arrays.timing_feeds({"x": (1,)}, {}, ())
