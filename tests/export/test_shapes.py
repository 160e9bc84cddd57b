from __future__ import annotations

from pathlib import Path

import pytest

from edgekit_export import shapes
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Tensor

FILE = Path("model.onnx")


def tensor(name: str, *shape: int | str) -> Tensor:
    return Tensor(name=name, dtype="float32", shape=shape)


@pytest.mark.parametrize(
    ("inputs", "given", "expected"),
    [
        ([tensor("x", 1, 100, 6)], {}, {"x": (1, 100, 6)}),
        ([tensor("x", "batch", "length", 6)], {}, {"x": (1, 16, 6)}),
        ([tensor("x", "x_0", "x_1", 6)], {}, {"x": (1, 16, 6)}),
        ([tensor("x", "seq", "batch", 6)], {}, {"x": (16, 1, 6)}),
        ([tensor("x", "s0", "s1", 6)], {"x": (1, 100, 6)}, {"x": (1, 100, 6)}),
        ([tensor("x", "b", "t", 6), tensor("mask", "b", "t")], {"x": (1, 40, 6)}, {"x": (1, 40, 6), "mask": (1, 40)}),
        ([tensor("x", "batch", "t"), tensor("h", 2, "batch", 8)], {}, {"x": (1, 16), "h": (2, 1, 8)}),
        ([tensor("x", "batch", 3), tensor("y", "y_0", 2)], {}, {"x": (1, 3), "y": (1, 2)}),
        ([tensor("x", "batch", "n", 2)], {}, {"x": (1, 16, 2)}),
        ([tensor("step")], {}, {"step": ()}),
    ],
)
def test_sizes(inputs: list[Tensor], given: dict[str, tuple[int, ...]], expected: dict[str, tuple[int, ...]]) -> None:
    assert shapes.resolve(FILE, inputs, given)[0] == expected


def test_defaults_are_named_and_only_those() -> None:
    _, note = shapes.resolve(FILE, [tensor("x", "batch", "time", 6)], {})
    assert note is not None
    assert "batch=1, time=16" in note
    assert "--shape x=1x16x6" in note
    assert shapes.resolve(FILE, [tensor("x", "batch", "time", 6)], {"x": (1, 9, 6)})[1] is None
    assert shapes.resolve(FILE, [tensor("x", 1, 5, 6)], {})[1] is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"x": (1, 100)}, "--shape x=1x100 has 2 dimensions, model.onnx declares batchxtx6"),
        ({"x": (1, 100, 7)}, "--shape x=1x100x7: model.onnx fixes"),
        ({"x": (1, 0, 6)}, "--shape x=1x0x6: every size must be at least 1"),
        ({"x": (1, 9, 6), "m": (1, 8)}, "--shape m=1x8: model.onnx has t=9 elsewhere"),
    ],
)
def test_shapes_that_contradict_the_file(given: dict[str, tuple[int, ...]], words: str) -> None:
    with pytest.raises(InputError) as caught:
        shapes.resolve(FILE, [tensor("x", "batch", "t", 6), tensor("m", "batch", "t")], given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_input_no_file_has() -> None:
    files = [(FILE, [tensor("x", 1)]), (Path("other.onnx"), [tensor("y", 1)])]
    shapes.check_names(files, {"x": (1,), "y": (1,)})
    with pytest.raises(InputError, match="--shape z=1x2: no file has an input z; inputs are x, y"):
        shapes.check_names(files, {"z": (1, 2)})
    with pytest.raises(InputError, match="for models of your own"):
        shapes.check_names([], {"z": (1, 2)})
