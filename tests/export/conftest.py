"""Graphs made by hand, and runs of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]


def _graph(
    nodes: list[onnx.NodeProto],
    weights: dict[str, NDArray[Any]],
    shape: tuple[str | int, ...] = ("batch", 4),
    output: tuple[str | int, ...] | None = None,
) -> onnx.ModelProto:
    """A model from ``x`` to ``logits``."""
    return helper.make_model(
        helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, output)],
            [numpy_helper.from_array(value, name) for name, value in weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)],
        ir_version=8,
    )


def _run(model: onnx.ModelProto, x: Floats) -> Floats:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result: Floats = session.run(None, {"x": x})[0]
    return result


@pytest.fixture
def graph() -> Callable[..., onnx.ModelProto]:
    return _graph


@pytest.fixture
def run() -> Callable[[onnx.ModelProto, Floats], Floats]:
    return _run
