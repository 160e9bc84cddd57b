"""A stream small enough to work out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit_targets.types.manifest import State

STATES = (
    State(input="total", output="total_next", shape=(1, "batch", 2), dtype="float32", initial=0.5),
    State(input="count", output="count_next", shape=("batch",), dtype="int64", initial=3),
    State(input="odd", output="odd_next", shape=("batch",), dtype="bool", initial=1),
)


@pytest.fixture
def adder_states() -> tuple[State, ...]:
    return STATES


@pytest.fixture(scope="session")
def adder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """y = running sum of x + count, where count goes up by one and odd flips with every step."""
    value = helper.make_tensor_value_info
    kinds = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "bool": TensorProto.BOOL}
    ends = [
        [value(getattr(state, end), kinds[state.dtype], list(state.shape)) for state in STATES]
        for end in ("input", "output")
    ]
    nodes = [
        helper.make_node("Add", ["x", "total"], ["total_next"]),
        helper.make_node("Add", ["count", "one"], ["count_next"]),
        helper.make_node("Not", ["odd"], ["odd_next"]),
        helper.make_node("Cast", ["count"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["number", "one"], ["column"]),
        helper.make_node("Squeeze", ["total_next", "nought"], ["sum"]),
        helper.make_node("Add", ["sum", "column"], ["y"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([number], np.int64), name) for name, number in (("one", 1), ("nought", 0))
    ]
    graph = helper.make_graph(
        nodes,
        "adder",
        [value("x", TensorProto.FLOAT, ["batch", 2]), *ends[0]],
        [value("y", TensorProto.FLOAT, ["batch", 2]), *ends[1]],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path = tmp_path_factory.mktemp("stream") / "adder.onnx"
    path.write_bytes(model.SerializeToString())
    return path
