from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgekit_export.quantize import REGISTRY, find
from edgekit_export.quantize.contract import ISAS, Converted, Refused
from edgekit_export.quantize.weights import PAIR_LIMIT
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import PRECISIONS, Quantized

Floats = NDArray[np.float32]
Graph = Callable[..., onnx.ModelProto]
Run = Callable[[onnx.ModelProto, Floats], Floats]
RANDOM = np.random.default_rng(0)
INT8 = find("int8-dynamic")


def weights(*shape: int) -> Floats:
    return RANDOM.standard_normal(shape).astype(np.float32)


def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], **attributes)


def converted(model: onnx.ModelProto, isa: str = "portable") -> Converted:
    result = INT8.apply(model, isa)
    assert isinstance(result, Converted), result
    onnx.checker.check_model(result.model, full_check=True)
    return result


def linears(graph: Graph) -> onnx.ModelProto:
    """Two readers of one activation, a Gemm as PyTorch writes it, a MatMul with a bias apart."""
    nodes = [
        node("MatMul", ["x", "a"], "left"),
        node("Gemm", ["x", "b", "bias"], "right", transB=1),
        node("Add", ["left", "right"], "sum"),
        node("MatMul", ["sum", "c"], "product"),
        node("Add", ["product", "bias_c"], "logits"),
    ]
    held = {"a": weights(16, 12), "b": weights(12, 16), "bias": weights(12), "c": weights(12, 5), "bias_c": weights(5)}
    return graph(nodes, held, shape=("batch", 16), output=("batch", 5))


def recurrent(graph: Graph, directions: int = 1) -> onnx.ModelProto:
    """[length, batch, 6] to [length, batch * directions * 8]."""
    kind = "bidirectional" if directions == 2 else "forward"
    nodes = [
        node("LSTM", ["x", "W", "R", "B"], "y", hidden_size=8, direction=kind),
        node("Reshape", ["y", "flat"], "logits"),
    ]
    held = {"W": weights(directions, 32, 6), "R": weights(directions, 32, 8), "B": weights(directions, 64)}
    return graph(nodes, held | {"flat": np.array([0, -1])}, shape=("length", 2, 6), output=("length", 16 * directions))


def relative(answer: Floats, reference: Floats) -> float:
    return float(np.linalg.norm(answer - reference) / np.linalg.norm(reference))


@pytest.mark.parametrize("isa", ISAS)
def test_linear_operators(graph: Graph, run: Run, isa: str) -> None:
    model = linears(graph)
    before = model.SerializeToString()
    result = converted(model, isa)
    assert result.quantized == {"Gemm": Quantized(quantized=1, total=1), "MatMul": Quantized(quantized=2, total=2)}
    kinds = Counter(entry.op_type for entry in result.model.graph.node)
    assert kinds["MatMulInteger"] == 3
    assert kinds["DynamicQuantizeLinear"] == 2, "x is quantized once for both of its readers"
    assert not {"MatMul", "Gemm"} & set(kinds)
    x = weights(7, 16)
    assert relative(run(result.model, x), run(model, x)) < 0.02
    assert model.SerializeToString() == before


@pytest.mark.parametrize("directions", [1, 2])
def test_lstm(graph: Graph, run: Run, directions: int) -> None:
    model = recurrent(graph, directions)
    result = converted(model)
    assert result.quantized == {"LSTM": Quantized(quantized=1, total=1)}
    lstm = result.model.graph.node[0]
    assert (lstm.op_type, lstm.domain) == ("DynamicQuantizeLSTM", "com.microsoft")
    shapes = {tensor.name: tuple(tensor.dims) for tensor in result.model.graph.initializer}
    assert shapes[lstm.input[1]] == (directions, 6, 32)
    assert shapes[lstm.input[2]] == (directions, 8, 32)
    assert [shapes[name] for name in lstm.input[8:12]] == [(directions, 32)] * 4
    assert lstm.input[4:8] == [""] * 4
    x = weights(9, 2, 6)
    assert relative(run(result.model, x), run(model, x)) < 0.03


def pairs(model: onnx.ModelProto) -> int:
    """The largest |a| + |b| of one sign over rows 2k and 2k+1 of every int8 matrix in the file."""
    worst = 0
    for tensor in model.graph.initializer:
        if tensor.data_type != tensor.INT8 or len(tensor.dims) < 2 or tensor.name.endswith("_zeros"):
            continue
        matrix = numpy_helper.to_array(tensor).astype(int)
        a, b = matrix[..., 0::2, :], matrix[..., 1::2, :]
        worst = max(worst, int(np.where(a * b > 0, np.abs(a + b), 0).max()))
    return worst


@pytest.mark.parametrize("isa", ["portable", "avx2"])
def test_files_for_processors_that_saturate_hold_no_pair_that_could(graph: Graph, isa: str) -> None:
    for model in (linears(graph), recurrent(graph, 2)):
        assert 0 < pairs(converted(model, isa).model) <= PAIR_LIMIT


@pytest.mark.parametrize("isa", ["vnni", "arm-dotprod"])
def test_files_for_processors_that_do_not_use_the_full_range(graph: Graph, isa: str) -> None:
    for model in (linears(graph), recurrent(graph, 2)):
        assert pairs(converted(model, isa).model) > PAIR_LIMIT


def test_onnxruntime_fuses_every_product_into_its_fast_kernel(graph: Graph, tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    content = converted(linears(graph)).model.SerializeToString()
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    kinds = Counter(entry.op_type for entry in onnx.load(tmp_path / "optimised.onnx").graph.node)
    assert kinds["DynamicQuantizeMatMul"] + kinds["MatMulIntegerToFloat"] == 3
    assert not {"MatMulInteger", "Cast", "Mul"} & set(kinds)


@pytest.mark.parametrize(
    ("entry", "shape", "held", "words"),
    [
        (node("Conv", ["x", "w"], "logits"), ("batch", 4, 9), weights(2, 4, 3), "Conv (1 of 1) stays float"),
        (node("GRU", ["x", "w", "w"], "logits"), (3, 2, 4), weights(1, 12, 4), "GRU (1 of 1) stays float"),
        (node("MatMul", ["w", "x"], "logits"), (4, 2), weights(3, 4), "MatMul (1 of 1) stays float"),
        (node("MatMul", ["x", "w"], "logits"), (2, 3, 4), weights(2, 4, 5), "MatMul (1 of 1) stays float"),
        (node("Gemm", ["x", "w"], "logits", alpha=0.5), (2, 4), weights(4, 5), "Gemm (1 of 1) stays float"),
        (node("Relu", ["x"], "logits"), (2, 4), weights(4), "no operator with constant weights"),
        (node("MatMul", ["x", "w"], "logits"), (2, 4), weights(4, 2) * np.float32("nan"), "NaN"),
    ],
    ids=["Conv", "GRU", "left", "batched", "alpha", "none", "nan"],
)  # fmt: skip
def test_what_would_stay_float_is_refused(
    graph: Graph, entry: onnx.NodeProto, shape: tuple[int, ...], held: Floats, words: str
) -> None:
    result = INT8.apply(graph([entry], {"w": held}, shape=shape), "portable")
    assert isinstance(result, Refused)
    assert words in result.reason


def test_one_operator_left_in_float_refuses_the_whole(graph: Graph) -> None:
    """The stock exporter's LSTM hides its weights; quantizing only the head must not be called int8."""
    nodes = [
        node("Concat", ["w", "w"], "W", axis=1),
        node("LSTM", ["x", "W", "r"], "y", hidden_size=2),
        node("MatMul", ["y", "head"], "logits"),
    ]
    held = {"w": weights(1, 4, 3), "r": weights(1, 8, 2), "head": weights(2, 5)}
    result = INT8.apply(graph(nodes, held, shape=("length", 2, 3)), "portable")
    assert result == Refused(reason="LSTM (1 of 1) stays float: its weights are not constants of the file")


def test_fp32_is_the_model_itself_counted(graph: Graph) -> None:
    model = linears(graph)
    result = find("fp32").apply(model, "portable")
    assert isinstance(result, Converted)
    assert result.model is model
    assert result.quantized == {"Gemm": Quantized(quantized=0, total=1), "MatMul": Quantized(quantized=0, total=2)}


def test_the_registry_speaks_the_manifests_words() -> None:
    assert tuple(precision.name for precision in REGISTRY) == PRECISIONS
    with pytest.raises(InputError, match=r"--precision int3 .*fp32, fp16, int8-dynamic"):
        find("int3")
