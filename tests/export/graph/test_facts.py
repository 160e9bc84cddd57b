from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit_export.graph.facts import check, read_facts
from edgekit_targets.errors import CheckFailed

Graph = Callable[..., onnx.ModelProto]
WEIGHTS = {"w": np.ones((4, 2), np.float32)}


def product(graph: Graph, **kwargs: object) -> onnx.ModelProto:
    return graph([helper.make_node("MatMul", ["x", "w"], ["logits"])], WEIGHTS, **kwargs)


def test_facts_come_from_the_graph(graph: Graph) -> None:
    nodes = [
        helper.make_node("Constant", [], ["b"], value=numpy_helper.from_array(np.ones(2, np.float32))),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
        helper.make_node("Add", ["y", "b"], ["z"]),
        helper.make_node("Reshape", ["z", "shape"], ["logits"]),
    ]
    facts = read_facts(graph(nodes, WEIGHTS | {"shape": np.array([-1, 2])}, output=("batch", 2)))
    assert facts.parameters == 8 + 2
    assert facts.operators == {"Add": 1, "Constant": 1, "MatMul": 1, "Reshape": 1}
    assert (facts.opset, facts.ir_version, facts.min_onnxruntime) == (18, 8, "1.16")
    assert facts.inputs[0].shape == ("batch", 4)
    assert facts.inputs[0].dtype == "float32"


@pytest.mark.parametrize(
    ("opset", "ir", "minimum"),
    [
        (17, 8, "1.16"),
        (18, 9, "1.16"),
        (18, 10, "1.18"),
        (20, 9, "1.17"),
        (23, 10, "1.23"),
        (99, 8, None),
        (18, 99, None),
    ],
)
def test_the_oldest_runtime(graph: Graph, opset: int, ir: int, minimum: str | None) -> None:
    model = product(graph)
    model.ir_version = ir
    model.opset_import[0].version = opset
    assert read_facts(model).min_onnxruntime == minimum


def test_an_unlisted_contrib_operator_leaves_the_runtime_unknown(graph: Graph) -> None:
    model = graph([helper.make_node("MatMulNBits", ["x", "w"], ["logits"], domain="com.microsoft")], WEIGHTS)
    assert read_facts(model).min_onnxruntime is None


def test_a_sound_graph_passes(graph: Graph) -> None:
    check(product(graph, output=("batch", 2)), dynamic={"x": {0: "batch"}, "logits": {0: "batch"}})


@pytest.mark.parametrize(
    ("shape", "output", "words"),
    [
        ((3, 4), (3, 2), "input x declares"),
        (("batch", 4), (3, 2), "the batch is frozen"),
        (("n", 4), ("n", 2), "input x declares"),
        (("batch", "width"), ("batch", 2), "input x declares"),
    ],
)
def test_a_frozen_or_misnamed_dimension_fails(graph: Graph, shape: object, output: object, words: str) -> None:
    with pytest.raises(CheckFailed, match=words):
        check(product(graph, shape=shape, output=output), dynamic={"x": {0: "batch"}, "logits": {0: "batch"}})


def test_what_the_checker_refuses_fails_in_one_line(graph: Graph) -> None:
    node = helper.make_node("Split", ["x"], ["logits"], num_outputs=1, axis=0)
    model = graph([node], {}, output=("batch", 4))
    model.opset_import[0].version = 17
    with pytest.raises(CheckFailed, match="checker refuses") as caught:
        check(model, dynamic={"x": {0: "batch"}, "logits": {0: "batch"}})
    assert "\n" not in str(caught.value)


def test_a_wrong_type_is_found_by_inference(graph: Graph) -> None:
    model = graph([helper.make_node("Cast", ["x"], ["logits"], to=TensorProto.INT64)], {}, output=("batch", 4))
    with pytest.raises(CheckFailed, match="checker refuses"):
        check(model, dynamic={"x": {0: "batch"}, "logits": {0: "batch"}})
