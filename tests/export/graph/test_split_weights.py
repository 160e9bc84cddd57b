"""A Split of weights becomes weights, with the same answers; what is not known beforehand stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper

from edgekit_export.graph.operators import weighted_operators
from edgekit_export.graph.split_weights import split_weights

Graph = Callable[..., onnx.ModelProto]
W = np.random.default_rng(0).standard_normal((12, 4)).astype(np.float32)


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def answer(model: onnx.ModelProto) -> NDArray[Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    (found,) = session.run(None, {"x": x})
    return np.asarray(found)


@pytest.mark.parametrize("sizes", [None, [4, 8], [5, 7]])
@pytest.mark.parametrize("axis", [0, -2])
def test_the_parts_are_weights_of_the_operators_behind_them(graph: Graph, sizes: list[int] | None, axis: int) -> None:
    weights = {"w": W} if sizes is None else {"w": W, "sizes": np.array(sizes)}
    split = {"num_outputs": 2} if sizes is None else {}
    model = graph(
        [
            node("Split", "w" if sizes is None else "w sizes", "a b", axis=axis, **split),
            node("Transpose", "a", "at", perm=[1, 0]),
            node("Transpose", "b", "bt"),
            node("MatMul", "x at", "p"),
            node("MatMul", "x bt", "q"),
            node("Concat", "p q", "logits", axis=1),
        ],
        weights,
    )
    found = split_weights(model)
    assert [one.op_type for one in found.graph.node] == ["MatMul", "MatMul", "Concat"]
    assert {one.name for one in found.graph.initializer} == {"at", "bt"}
    assert weighted_operators(found)["MatMul"].total == 2
    np.testing.assert_array_equal(answer(found), answer(model))
    assert model.graph.node[0].op_type == "Split", "the model itself stays"


def test_a_split_of_what_is_computed_stays(graph: Graph) -> None:
    model = graph([node("Split", "x", "a b", axis=1, num_outputs=2), node("Add", "a b", "logits")], {})
    assert split_weights(model) is model
