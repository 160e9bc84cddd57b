"""Where data comes from."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from edgekit_export.data import load
from edgekit_targets.errors import InputError


def refused(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load(name)
    assert "--data" in str(caught.value)
    assert "\n" not in str(caught.value)


def message_of(name: str) -> str:
    try:
        load(name)
    except InputError as error:
        return str(error)
    return ""


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> NoReturn:
        raise AssertionError("nothing may be downloaded")

    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(socket.socket, "connect", no_network)


@pytest.mark.slow
@pytest.mark.usefixtures("offline")
def test_japanese_vowels_ships_in_its_equal_length_form() -> None:
    data = load("aeon:JapaneseVowels").describe()
    assert (data.train + data.validation, data.test) == (270, 370)
    assert (data.length, data.features) == (25, 12)
    assert data.classes == tuple("123456789")
    assert data.validation == 72


@pytest.mark.slow
@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", ["Covid3Month", "Airline", "NATOPS", "../JapaneseVowels", ""])
def test_aeon_sets_that_do_not_ship_or_have_no_classes(name: str) -> None:
    refused(f"aeon:{name}", "does not ship.* BasicMotions, .*JapaneseVowels")


def test_npz(tmp_path: Path, arrays: dict[str, Any]) -> None:
    np.savez(tmp_path / "d.npz", **arrays)
    data = load(f"npz:{tmp_path / 'd.npz'}", seed=0)
    assert data.name == f"npz:{tmp_path / 'd.npz'}"
    np.testing.assert_array_equal(data.x_test, arrays["x_test"])


def test_npz_that_is_none(tmp_path: Path, arrays: dict[str, Any]) -> None:
    refused(f"npz:{tmp_path / 'none.npz'}", "is not a file")
    refused(f"npz:{tmp_path}", "is not a file")
    (tmp_path / "text.npz").write_text("hello")
    refused(f"npz:{tmp_path / 'text.npz'}", "is no .npz archive")
    np.save(tmp_path / "one.npy", arrays["x_train"])
    refused(f"npz:{tmp_path / 'one.npy'}", "is no .npz archive")
    np.savez(tmp_path / "pickled.npz", **(arrays | {"y_train": np.array(["a", None] * 12, dtype=object)}))
    refused(f"npz:{tmp_path / 'pickled.npz'}", "pickled objects")


def test_a_damaged_npz_is_never_a_traceback(tmp_path: Path, arrays: dict[str, Any]) -> None:
    path = tmp_path / "d.npz"
    np.savez_compressed(path, **arrays)
    sound = path.read_bytes()
    generator = np.random.default_rng(0)
    refusals = 0
    for _ in range(300):
        damaged = bytearray(sound)
        if generator.random() < 0.5:
            del damaged[generator.integers(len(damaged)) :]
        for place in generator.integers(len(sound), size=6):
            if place < len(damaged):
                damaged[place] = generator.integers(256)
        path.write_bytes(damaged)
        message = message_of(f"npz:{path}")
        assert "\n" not in message
        refusals += bool(message)
    assert refusals > 250


MODULE = """
import numpy as np
x, y = np.arange(80.0).reshape(8, 5, 2), np.array([0, 1] * 4)
def as_tuple(): return x, y, x[:2], y[:2]
def with_validation(): return x, y, x[4:], y[4:], x[:2], y[:2]
def as_mapping(): return {"x_train": x, "y_train": y, "x_test": x[:2].tolist(), "y_test": [0, 1]}
def nothing(): return None
def broken(): raise RuntimeError("the user's own bug")
class Box:
    @staticmethod
    def inside(): return x, y, x[:2], y[:2]
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "edgekit_test_data_module.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return "edgekit_test_data_module"


def test_a_function(module: str) -> None:
    first = load(f"{module}:as_tuple")
    assert load(f"{module}:as_mapping").sha256 == first.sha256
    assert load(f"{module}:Box.inside").sha256 == first.sha256
    assert len(load(f"{module}:with_validation").x_valid) == 4


def test_functions_that_are_none(module: str) -> None:
    refused(f"{module}:nothing", "returned NoneType; return a mapping or a tuple of x_train")
    refused(f"{module}:missing", "has no missing")
    refused(f"{module}:x", "x is not callable")
    refused("edgekit_no_such_module:load", "no module edgekit_no_such_module")
    with pytest.raises(RuntimeError, match="the user's own bug"):
        load(f"{module}:broken")


@pytest.mark.parametrize("name", ["", "JapaneseVowels", "a:b:c", "some.npz", "a b:c", ":x"])
def test_what_is_no_data_set(name: str) -> None:
    refused(name, "is no data set; the forms are aeon:NAME, npz:FILE, text:remarks, package.module:callable")
