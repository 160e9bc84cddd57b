from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper

from edgekit_export.quantize.calibration import Calibration, calibrate, choose
from edgekit_targets.errors import CheckFailed, InputError

Floats = NDArray[np.float32]
Graph = Callable[..., onnx.ModelProto]
RANDOM = np.random.default_rng(0)


def weights(*shape: int) -> Floats:
    return RANDOM.standard_normal(shape).astype(np.float32)


def run(model: onnx.ModelProto, x: Floats) -> Mapping[str, NDArray[Any]]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"x": x}), strict=True))


def linears(graph: Graph, held: dict[str, Floats]) -> onnx.ModelProto:
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "b"], ["logits"]),
    ]
    return graph(nodes, held, shape=("batch", "length", 4), output=("batch", "length", 3))


def test_ranges_and_gram_matrices_are_those_of_what_meets_each_matrix(graph: Graph) -> None:
    held = {"a": weights(4, 5), "b": weights(5, 3)}
    model, x = linears(graph, held), weights(10, 6, 4)
    before = model.SerializeToString()
    found = calibrate(model, x, run)
    hidden = np.maximum(x @ held["a"], 0).reshape(-1, 5)
    for matrix, rows in ((held["a"], x.reshape(-1, 4)), (held["b"], hidden)):
        seen = found.at(matrix)
        assert seen is not None
        assert (seen.low, seen.high) == pytest.approx((rows.min(), rows.max()), rel=1e-5)
        np.testing.assert_allclose(seen.gram, rows.T @ rows, rtol=1e-4)
    assert found.at(weights(4, 5)) is None
    assert found.gram(np.ascontiguousarray(held["a"].T).T) is not None, "found by content, however it lies in memory"
    assert model.SerializeToString() == before


@pytest.mark.parametrize("kind", ["forward", "bidirectional"])
def test_of_an_lstm_both_matrices_of_each_direction_are_seen(graph: Graph, kind: str) -> None:
    directions = 2 if kind == "bidirectional" else 1
    held = {"W": weights(directions, 12, 4), "R": weights(directions, 12, 3)}
    nodes = [
        helper.make_node("LSTM", ["x", "W", "R"], ["", "h"], hidden_size=3, direction=kind),
        helper.make_node("Reshape", ["h", "flat"], ["logits"]),
    ]
    held["flat"] = np.array([0, -1])
    x = weights(7, 2, 4)
    found = calibrate(graph(nodes, held, shape=("length", "batch", 4), output=None), x, run)
    for direction in range(directions):
        seen, states = found.at(held["W"][direction].T), found.at(held["R"][direction].T)
        assert seen is not None
        assert states is not None
        np.testing.assert_allclose(seen.gram, x.reshape(-1, 4).T @ x.reshape(-1, 4), rtol=1e-4)
        assert states.gram.shape == (3, 3)
        assert -1 < states.low < states.high < 1


def test_data_of_another_width_is_refused(graph: Graph) -> None:
    model = linears(graph, {"a": weights(4, 5), "b": weights(5, 3)})
    with pytest.raises(InputError, match=r"--data: calibration inputs are 6x7, the model takes anyx4"):
        calibrate(model, weights(10, 6, 7), run)


def test_activations_that_are_no_numbers_fail(graph: Graph) -> None:
    model = linears(graph, {"a": weights(4, 5) * np.float32("nan"), "b": weights(5, 3)})
    with pytest.raises(CheckFailed, match="NaN or infinity on the inputs for calibration"):
        calibrate(model, weights(3, 2, 4), run)


def test_a_graph_without_weights_is_not_run(graph: Graph) -> None:
    def never(model: onnx.ModelProto, x: Floats) -> Mapping[str, NDArray[Any]]:
        raise AssertionError

    found = calibrate(graph([helper.make_node("Relu", ["x"], ["logits"])], {}), weights(2, 4), never)
    assert isinstance(found, Calibration)


@pytest.mark.parametrize(
    ("count", "length", "wanted"), [(1000, 25, 655), (1000, 1024, 16), (1000, 9000, 8), (5, 25, 5)]
)
def test_as_many_samples_as_the_steps_allow_evenly_spaced(count: int, length: int, wanted: int) -> None:
    samples = np.broadcast_to(np.arange(count, dtype=np.float32)[:, None, None], (count, length, 1))
    chosen = choose(samples)[:, 0, 0]
    assert len(chosen) == wanted
    assert (chosen[0], chosen[-1]) == (0, count - 1)
