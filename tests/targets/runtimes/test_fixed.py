"""Models loaded for the measured shape alone, and what happens to other shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_targets.errors import InputError
from edgekit_targets.runtimes import find
from edgekit_targets.runtimes.contract import Session, Target
from edgekit_targets.runtimes.fixed import Fixed
from edgekit_targets.runtimes.openvino import OpenVino
from edgekit_targets.types.manifest import State
from edgekit_targets.types.session import SessionOptions

OPTIONS = SessionOptions(fixed_shapes=True)


@pytest.fixture(params=["cpu", "openvino"])
def target(request: pytest.FixtureRequest) -> Target:
    found = find(request.param)
    found.prepare()
    return found


def opened(target: Target, path: Path, **shapes: tuple[int, ...]) -> Session:
    return target.open(path, OPTIONS, target.check(path), shapes)


def noise(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def test_the_facts_tell_which_it_is(target: Target, lstm: Path) -> None:
    fixed = opened(target, lstm, x=(2, 9, 6))
    free = target.open(lstm, SessionOptions(threads=2), target.check(lstm))
    assert (fixed.facts.shapes, free.facts.shapes) == ("fixed", "free")
    assert (fixed.facts.threads, free.facts.threads) == (1, 2)
    for facts in (fixed.facts, free.facts):
        assert facts.refused is None
        assert facts.build
        assert facts.optimisation
    version = "ONNX Runtime" if target.name == "cpu" else "OpenVINO"
    assert fixed.facts.runtime.startswith(version)
    assert "CPU" in fixed.facts.device
    assert fixed.facts.precision == ("as in the file" if target.name == "cpu" else "f32")


def test_both_shapes_and_others_give_the_same_answers(target: Target, lstm: Path) -> None:
    session, free = opened(target, lstm, x=(2, 9, 6)), find("cpu").open(lstm, OPTIONS, find("cpu").check(lstm))
    for shape in [(2, 9, 6), (1, 9, 6), (2, 4, 6), (2, 9, 6)]:
        x = noise(*shape)
        session.bind({"x": x})
        session.run()
        session.synchronise()
        free.bind({"x": x})
        np.testing.assert_allclose(session.read()["y"], free.read()["y"], atol=1e-6)
    assert session.facts.shapes == "fixed"


def test_what_is_timed_is_the_fixed_model_itself(target: Target, lstm: Path) -> None:
    session = opened(target, lstm, x=(2, 9, 6))
    assert isinstance(session, Fixed)
    session.bind({"x": noise(1, 3, 6)})
    assert session._other is not None
    assert session.run is session._other.run
    session.bind({"x": noise(2, 9, 6)})
    assert session.run is session._fixed.run
    assert vars(session)["_other"] is None, "what no figure comes from is let go of"


def test_a_stream_is_fixed_with_its_states(target: Target, adder: Path, adder_states: tuple[State, ...]) -> None:
    session = opened(target, adder, x=(2, 2), total=(1, 2, 2), count=(2,), odd=(2,))
    assert session.facts.shapes == "fixed"
    for batch in (2, 5, 2):
        session.bind({"x": np.zeros((batch, 2), np.float32)}, adder_states)
        session.reset()
        for step in range(3):
            session.write({"x": np.full((batch, 2), 2.0, np.float32)})
            session.run()
            np.testing.assert_array_equal(session.read()["y"], np.full((batch, 2), 0.5 + 2 * (step + 1) + 3 + step))


def test_shapes_that_the_runtime_refuses_are_left_free_with_a_note(target: Target, matmul: Path) -> None:
    session = opened(target, matmul, x=(3, 7)) if target.name == "openvino" else opened_twice(target, matmul)
    assert session.facts.shapes == "free"
    assert str(session.facts.refused).startswith("the shapes could not be fixed, so they are free")
    session.bind({"x": noise(5, 6)})
    assert session.read()["y"].shape == (5, 4)


def opened_twice(target: Target, path: Path) -> Session:
    """ONNX Runtime takes every size of a free dimension here, so a model that contradicts itself once fixed."""
    import onnx
    from onnx import helper

    model = onnx.load(path)
    model.graph.node.append(helper.make_node("Add", ["x", "five"], ["z"]))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((5, 6), np.float32), "five"))
    model.graph.output.append(helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, ["other", 6]))
    broken = path.parent / "broken.onnx"
    broken.write_bytes(model.SerializeToString())
    return opened(target, broken, x=(3, 6))


def test_a_file_that_cannot_be_loaded_is_refused_either_way(target: Target, tmp_path: Path, matmul: Path) -> None:
    path = tmp_path / "half.onnx"
    path.write_bytes(matmul.read_bytes()[:-1] + b"\xff")
    with pytest.raises(InputError, match=r"half\.onnx"):
        opened(target, path, x=(1, 6))


def test_hardware_that_needs_fixed_shapes_gets_each_of_them(lstm: Path, matmul: Path) -> None:
    """As on an NPU, here with the processor's plugin."""
    target = OpenVino("CPU", static=True)
    session = opened(target, lstm, x=(1, 9, 6))
    reference = find("cpu").open(lstm, OPTIONS, find("cpu").check(lstm))
    for shape in [(1, 4, 6), (2, 4, 6), (1, 9, 6)]:
        x = noise(*shape)
        session.bind({"x": x})
        assert isinstance(session, Fixed)
        assert session._bound.facts.shapes == "fixed"
        reference.bind({"x": x})
        np.testing.assert_allclose(session.read()["y"], reference.read()["y"], atol=1e-6)
    with pytest.raises(InputError, match=r"matmul\.onnx cannot be loaded by OpenVINO"):
        opened(target, matmul, x=(3, 7))
