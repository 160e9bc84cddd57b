from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper

from edgekit_export.graph.operators import weighted_operators
from edgekit_export.graph.precision import precision_of
from edgekit_targets.types.manifest import Quantized

Graph = Callable[..., onnx.ModelProto]
W = np.ones((4, 4), np.float32)
Q = np.ones((4, 4), np.int8)


def node(kind: str, inputs: str, output: str, domain: str = "", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output], domain=domain, **attributes)


def test_only_operators_with_constant_weights_count(graph: Graph) -> None:
    model = graph(
        [node("MatMul", "x w", "y"), node("MatMul", "y y", "z"), node("Gemm", "z w b", "logits")], {"w": W, "b": W[0]}
    )
    assert weighted_operators(model) == {
        "Gemm": Quantized(quantized=0, total=1),
        "MatMul": Quantized(quantized=0, total=1),
    }


def test_weights_behind_constant_chains_count(graph: Graph) -> None:
    """The stock exporter's LSTM: its weights come out of Slice and Concat, and quantizers pass it by."""
    nodes = [
        node("Concat", "w w", "long", axis=0),
        node("Unsqueeze", "long axes", "W"),
        node("LSTM", "x W W", "logits"),
    ]
    assert weighted_operators(graph(nodes, {"w": W, "axes": np.array([0])})) == {
        "LSTM": Quantized(quantized=0, total=1)
    }


def test_what_depends_on_an_input_is_no_weight(graph: Graph) -> None:
    assert weighted_operators(graph([node("Add", "x w", "v"), node("MatMul", "w v", "logits")], {"w": W})) == {
        "MatMul": Quantized(quantized=0, total=1)
    }
    assert weighted_operators(graph([node("Add", "x w", "v"), node("MatMul", "v v", "logits")], {"w": W})) == {}


def test_integer_forms_count_as_quantized(graph: Graph) -> None:
    nodes = [
        node("DequantizeLinear", "q s", "w1"),
        node("Transpose", "w1", "w2"),
        node("MatMul", "x w2", "a"),
        node("MatMulInteger", "b q", "c"),
        node("DynamicQuantizeLSTM", "x q q", "d", "com.microsoft"),
        node("MatMul", "x w", "logits"),
    ]
    counts = weighted_operators(graph(nodes, {"q": Q, "s": np.float32(1.0).reshape(()), "w": W}))
    assert counts == {"LSTM": Quantized(quantized=1, total=1), "MatMul": Quantized(quantized=2, total=3)}


def test_precision_from_the_operators(graph: Graph) -> None:
    def of(*nodes: onnx.NodeProto, **weights: np.ndarray) -> object:
        return precision_of(graph(list(nodes), weights))[0]

    assert of(node("MatMul", "x w", "logits"), w=W) == "fp32"
    assert of(node("MatMul", "x w", "logits"), w=W.astype(np.float16)) == "fp16"
    assert of(node("MatMulInteger", "x w", "logits"), w=Q) == "int8-dynamic"
    assert of(node("DynamicQuantizeLSTM", "x w w", "logits", "com.microsoft"), w=Q) == "int8-dynamic"
    assert of(node("QLinearMatMul", "x s z w s z s z", "logits"), w=Q) == "int8-static"
    assert of(node("QuantizeLinear", "x s", "a"), node("DequantizeLinear", "w s", "logits"), w=Q) == "int8-static"
    assert of(node("DequantizeLinear", "w s", "v"), node("MatMul", "x v", "logits"), w=Q) == "int8-weight"
    assert of(node("MatMulNBits", "x w s", "logits", "com.microsoft", bits=4), w=Q) == "int4-weight"
    assert of(node("MatMulNBits", "x w s", "logits", "com.microsoft", bits=8), w=Q) == "int8-weight"


def test_a_file_that_is_mostly_float_is_not_called_int8(graph: Graph) -> None:
    """What quantize_dynamic makes of a stock LSTM: an integer head on float layers."""
    nodes = [node("LSTM", "x big big", "y"), node("MatMulInteger", "y q", "logits")]
    precision, notes = precision_of(graph(nodes, {"big": np.ones((1, 16, 4), np.float32), "q": Q[:2]}))
    assert precision == "fp32"
    assert "LSTM 1 of 1" in notes[0]
    assert "does not call it int8-dynamic" in notes[1]
