from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper

from edgekit_export.quantize import find
from edgekit_export.quantize.calibration import Calibration, Seen, calibrate
from edgekit_export.quantize.contract import Converted, Refused
from edgekit_export.quantize.int8_static import _range
from edgekit_targets.types.manifest import Quantized

Floats = NDArray[np.float32]
Graph = Callable[..., onnx.ModelProto]
Run = Callable[[onnx.ModelProto, Floats], Floats]
RANDOM = np.random.default_rng(0)
STATIC = find("int8-static")


def weights(*shape: int) -> Floats:
    return RANDOM.standard_normal(shape).astype(np.float32)


def model(graph: Graph) -> onnx.ModelProto:
    """As PyTorch's exporter writes linear layers: MatMul and Add on three axes, Gemm on two; one matrix twice."""
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["product"]),
        helper.make_node("Add", ["product", "bias_a"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "a"], ["again"]),
        helper.make_node("Add", ["again", "bias_a"], ["s"]),
        helper.make_node("ReduceMean", ["s", "axes"], ["last"], keepdims=0),
        helper.make_node("Gemm", ["last", "b", "bias"], ["logits"], transB=1),
    ]
    held = {"a": weights(16, 16), "bias_a": weights(16), "b": weights(5, 16), "bias": weights(5)}
    held["axes"] = np.array([1])
    return graph(nodes, held, shape=("batch", "length", 16), output=("batch", 5))


def seen(source: onnx.ModelProto) -> Calibration:
    def run(watched: onnx.ModelProto, x: Floats) -> dict[str, NDArray[np.generic]]:
        session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, {"x": x}), strict=True))

    return calibrate(source, weights(100, 6, 16), run)


def test_it_answers_nearly_as_fp32_and_counts_all(graph: Graph, run: Run) -> None:
    source = model(graph)
    result = STATIC.apply(source, "portable", seen(source))
    assert isinstance(result, Converted), result
    onnx.checker.check_model(result.model, full_check=True)
    kinds = Counter(entry.op_type for entry in result.model.graph.node)
    assert kinds["QuantizeLinear"] == 3, "one for each MatMul and Gemm; Add, Relu and ReduceMean stay as they are"
    assert result.quantized == {"Gemm": Quantized(quantized=1, total=1), "MatMul": Quantized(quantized=2, total=2)}
    x = weights(9, 6, 16)
    reference = run(source, x)
    assert np.linalg.norm(run(result.model, x) - reference) < 0.05 * np.linalg.norm(reference)


@pytest.mark.parametrize("fixed", [False, True])
def test_onnxruntime_runs_every_product_in_integers(graph: Graph, tmp_path: Path, fixed: bool) -> None:
    """With fixed shapes it would make one float Gemm of a MatMul and its bias, if the bias had one axis."""
    source = model(graph)
    result = STATIC.apply(source, "portable", seen(source))
    assert isinstance(result, Converted)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    if fixed:
        options.add_free_dimension_override_by_name("batch", 1)
        options.add_free_dimension_override_by_name("length", 6)
    onnxruntime.InferenceSession(result.model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kinds = Counter(entry.op_type for entry in onnx.load(tmp_path / "optimised.onnx").graph.node)
    assert (kinds["MatMulIntegerToFloat"], kinds["QGemm"]) == (2, 1), kinds
    assert not {"MatMul", "Gemm", "DequantizeLinear"} & set(kinds)


def test_without_data_to_calibrate_on_it_is_refused(graph: Graph) -> None:
    assert STATIC.apply(model(graph), "portable") == Refused(
        reason="activation ranges are taken from training data; pass --data"
    )


def test_an_lstm_stays_float_so_the_name_is_refused(graph: Graph) -> None:
    nodes = [
        helper.make_node("LSTM", ["x", "W", "R"], ["y"], hidden_size=3),
        helper.make_node("MatMul", ["y", "head"], ["logits"]),
    ]
    source = graph(nodes, {"W": weights(1, 12, 4), "R": weights(1, 12, 3), "head": weights(3, 2)}, shape=("l", 2, 4))
    result = STATIC.apply(source, "portable", Calibration({}))
    assert isinstance(result, Refused)
    assert result.reason.startswith("LSTM (1 of 1) stays float: QDQ has no integer form of a recurrent operator")


def test_what_was_not_calibrated_stays_float_and_refuses_the_whole(graph: Graph) -> None:
    result = STATIC.apply(model(graph), "portable", Calibration({}))
    assert isinstance(result, Refused)
    assert "stays float" in result.reason


@pytest.mark.parametrize(("low", "high"), [(-1.0, 3.0), (0.5, 2.0), (-4.0, -1.0), (0.0, 0.0)])
def test_the_range_holds_zero_exactly_and_both_ends(low: float, high: float) -> None:
    scale, zero = _range(Seen(low=low, high=high, gram=np.eye(1)))
    step, offset = float(scale), int(zero)
    assert step > 0
    assert -offset * step <= min(low, 0) + step
    assert (255 - offset) * step >= max(high, 0) - step
