from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgekit_export.quantize import find
from edgekit_export.quantize.contract import Converted, Refused

Floats = NDArray[np.float32]
Graph = Callable[..., onnx.ModelProto]
Run = Callable[[onnx.ModelProto, Floats], Floats]
RANDOM = np.random.default_rng(0)
FP16 = find("fp16")


def weights(*shape: int) -> Floats:
    return RANDOM.standard_normal(shape).astype(np.float32)


def normalised(graph: Graph) -> onnx.ModelProto:
    """Normalisation, then weights, an integer turned into a float, and a constant inside a node."""
    constant = numpy_helper.from_array(np.array(0.5, np.float32), "half")
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], start=0, end=1),
        helper.make_node("Cast", ["shape"], ["count"], to=1),
        helper.make_node("Sub", ["x", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "std"], ["scaled"]),
        helper.make_node("MatMul", ["scaled", "a"], ["h"]),
        helper.make_node("Constant", [], ["c"], value=constant),
        helper.make_node("Mul", ["h", "c"], ["m"]),
        helper.make_node("Div", ["m", "count"], ["logits"]),
    ]
    held = {"mean": np.full(4, 1e6, np.float32), "std": np.full(4, 2e5, np.float32), "a": weights(4, 5)}
    return graph(nodes, held, output=("batch", 5))


def test_raw_inputs_beyond_float16_are_normalised_in_float32(graph: Graph, run: Run) -> None:
    source = normalised(graph)
    before = source.SerializeToString()
    result = FP16.apply(source, "portable")
    assert isinstance(result, Converted), result
    onnx.checker.check_model(result.model, full_check=True)
    x = (1e6 + 2e5 * weights(3, 4)).astype(np.float32)
    np.testing.assert_allclose(run(result.model, x), run(source, x), rtol=0, atol=3e-3)
    kinds = {tensor.name: tensor.data_type for tensor in result.model.graph.initializer}
    assert kinds == {"mean": 1, "std": 1, "a": 10}
    assert [value.type.tensor_type.elem_type for value in (*source.graph.input, *source.graph.output)] == [1, 1]
    assert source.SerializeToString() == before


def test_a_constant_that_the_normalisation_shares_with_the_rest(graph: Graph, run: Run) -> None:
    """Equal weights are stored once: ones, of a data set that needs no scaling and of a layer that was not trained."""
    nodes = [
        helper.make_node("Sub", ["x", "noughts"], ["centred"]),
        helper.make_node("Div", ["centred", "ones"], ["scaled"]),
        helper.make_node("LayerNormalization", ["scaled", "ones", "noughts"], ["even"]),
        helper.make_node("MatMul", ["even", "a"], ["logits"]),
    ]
    held = {"noughts": np.zeros(4, np.float32), "ones": np.ones(4, np.float32), "a": weights(4, 5)}
    source = graph(nodes, held, output=("batch", 5))
    result = FP16.apply(source, "portable")
    assert isinstance(result, Converted), result
    onnx.checker.check_model(result.model, full_check=True)
    x = weights(3, 4)
    np.testing.assert_allclose(run(result.model, x), run(source, x), rtol=0, atol=1e-2)
    kinds = {tensor.name: tensor.data_type for tensor in result.model.graph.initializer}
    assert kinds == {"noughts": 1, "ones": 1, "noughts_fp16": 10, "ones_fp16": 10, "a": 10}


def test_an_lstm_is_half_the_size_with_states_in_float32(graph: Graph) -> None:
    held = {"W": weights(1, 32, 6), "R": weights(1, 32, 8)}
    nodes = [helper.make_node("LSTM", ["x", "W", "R"], ["logits"], hidden_size=8)]
    source = graph(nodes, held, shape=("length", 2, 6), output=("length", 1, 2, 8))
    result = FP16.apply(source, "portable")
    assert isinstance(result, Converted)
    onnx.checker.check_model(result.model, full_check=True)
    assert [node.op_type for node in result.model.graph.node] == ["Cast", "LSTM", "Cast"]
    assert result.quantized["LSTM"].quantized == 0, "fp16 is no quantization"


@pytest.mark.parametrize(
    ("held", "words"),
    [(np.full((4, 2), 1e6, np.float32), "beyond 65504"), (np.full((4, 2), np.nan, np.float32), "float16 cannot")],
)
def test_weights_that_float16_cannot_hold_are_refused(graph: Graph, held: Floats, words: str) -> None:
    result = FP16.apply(graph([helper.make_node("MatMul", ["x", "w"], ["logits"])], {"w": held}), "portable")
    assert isinstance(result, Refused)
    assert words in result.reason


def test_an_operator_without_a_float16_form_is_refused(graph: Graph) -> None:
    held = {"w": weights(4, 2), "zero": np.array(0, np.float32), "one": np.array(1, np.float32)}
    nodes = [
        helper.make_node("Range", ["zero", "one", "one"], ["r"]),
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Add", ["h", "r"], ["logits"]),
    ]
    assert FP16.apply(graph(nodes, held), "portable") == Refused(reason="Range has no float16 form")
