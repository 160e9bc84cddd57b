from __future__ import annotations

from onnx import TensorProto, helper

from edgekit_targets.runtimes.onenode import ONE_NODE


def test_it_is_the_model_that_its_comments_say() -> None:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    assert model.SerializeToString(deterministic=True) == ONE_NODE
