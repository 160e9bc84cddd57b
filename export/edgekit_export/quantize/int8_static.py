"""int8-static: int8 weights, activations quantized to uint8 with ranges that were fixed on training data.

QDQ form (``QuantizeLinear`` and ``DequantizeLinear`` around float operators), which ONNX Runtime and OpenVINO replace
by integer kernels. Only MatMul and Gemm are touched: quantizing Add, Softmax and Mul as well costs accuracy and, on
small models, time. Weights are pair-safe and activations unsigned, so that nothing saturates on processors without
VNNI (see :mod:`edgekit_export.quantize.weights`).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgekit_export.quantize.calibration import Calibration, Seen
from edgekit_export.quantize.contract import PORTABLE, Converted, Refused
from edgekit_export.quantize.linear import Floats, floats_of, linear_of
from edgekit_export.quantize.promise import keep_promise, rebuilt
from edgekit_export.quantize.weights import quantize_columns
from edgekit_targets.types.manifest import Precision as PrecisionName
from edgekit_targets.types.manifest import Weights

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_RNN = "QDQ has no integer form of a recurrent operator; use int8-dynamic"
_WHY = dict.fromkeys(("LSTM", "GRU", "RNN"), _RNN) | dict.fromkeys(
    ("Conv", "ConvTranspose"), "only MatMul and Gemm are quantized"
)


@dataclass(frozen=True)
class Int8Static:
    """MatMul and Gemm with constant weights. The error is reported and judged by the accuracy, not by a bound."""

    name: PrecisionName = "int8-static"
    integer: bool = True
    calibrated: bool = True
    tolerance: float = 0.25
    relative_limit: Mapping[Weights, float] = field(default_factory=dict)

    def apply(self, model: ModelProto, isa: str, calibration: Calibration | None = None) -> Converted | Refused:
        """Rewrite every linear operator; refused without a calibration, since the ranges come from it."""
        pair_safe = isa in (PORTABLE, "avx2")
        return keep_promise(model, lambda: _rewrite(model, calibration, pair_safe=pair_safe), _WHY)


def _rewrite(model: ModelProto, calibration: Calibration | None, *, pair_safe: bool) -> ModelProto:
    from onnx import helper

    if calibration is None:
        raise ValueError("activation ranges are taken from training data; pass --data")
    floats = floats_of(model)
    nodes: list[NodeProto] = []
    held: dict[str, NDArray[Any]] = {}
    quantized: set[str] = set()
    products: set[str] = set()
    for node in model.graph.node:
        linear = linear_of(node, floats)
        seen = None if linear is None else calibration.at(linear.matrix)
        if linear is None or seen is None:
            nodes.append(node)
            continue
        weights = linear.weights
        if weights not in quantized:
            integers, scales = quantize_columns(linear.matrix, pair_safe=pair_safe, gram=seen.gram)
            scale, zero = _range(seen)
            held |= {f"{weights}_int8": integers, f"{weights}_scales": scales, f"{weights}_zeros": _zeros(scales)}
            held |= {f"{weights}_x_scale": scale, f"{weights}_x_zero": zero}
            quantized.add(weights)
        x = [f"{weights}_x_scale", f"{weights}_x_zero"]
        held_by = [f"{weights}_int8", f"{weights}_scales", f"{weights}_zeros"]
        out = linear.output
        nodes += [
            helper.make_node("QuantizeLinear", [linear.x, *x], [f"{out}_x_uint8"], f"{out}_x_quantize"),
            helper.make_node("DequantizeLinear", [f"{out}_x_uint8", *x], [f"{out}_x"], f"{out}_x_float"),
            helper.make_node("DequantizeLinear", held_by, [f"{out}_w"], f"{out}_w_float", axis=1),
        ]
        inputs = [f"{out}_x", f"{out}_w"]
        if linear.bias:
            # ONNX Runtime makes an integer operator of a Gemm only if its bias is integer too, at this very scale.
            steps = held[f"{weights}_scales"] * held[f"{weights}_x_scale"]
            held |= {f"{out}_bias_int32": _bias(floats[linear.bias], steps), f"{out}_bias_scales": steps}
            names = [f"{out}_bias_int32", f"{out}_bias_scales"]
            nodes.append(helper.make_node("DequantizeLinear", names, [f"{out}_bias"], f"{out}_bias_float", axis=0))
            inputs.append(f"{out}_bias")
        nodes.append(helper.make_node(node.op_type, inputs, [out], f"{out}_{node.op_type}"))
        products.add(out)
    _keep_apart(nodes, held, floats, products & _of_three_axes(model))
    return rebuilt(model, nodes, held)


def _keep_apart(
    nodes: list[NodeProto], held: dict[str, NDArray[Any]], floats: Mapping[str, Floats], products: Set[str]
) -> None:
    """Give what is added to a product three axes of its own, ``[1, 1, outputs]``, where that changes no answer.

    Where ONNX Runtime knows all sizes (a session with fixed shapes) it makes one Gemm of a MatMul and an Add of one
    axis, before it looks for integers; the Gemm then stays float, and its weights are converted anew in every run:
    3 to 14 times the time (1.32, MatMulAddFusion). It does not do so with a bias of three axes.
    """
    for number, node in enumerate(nodes):
        if node.op_type != "Add" or not products & set(node.input):
            continue
        apart = type(node)()
        apart.CopyFrom(node)
        for place, name in enumerate(node.input):
            if name in floats and floats[name].ndim == 1:
                held[f"{name}_rows"] = floats[name][None, None]
                apart.input[place] = f"{name}_rows"
        nodes[number] = apart


def _of_three_axes(model: ModelProto) -> set[str]:
    """Values that are known to have three axes or more."""
    from onnx import shape_inference

    known = shape_inference.infer_shapes(model).graph.value_info
    return {one.name for one in known if len(one.type.tensor_type.shape.dim) >= 3}


def _range(seen: Seen) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Scale and zero point of uint8 that cover the range; zero is exact, since padding and ReLU give it often."""
    low, high = min(seen.low, 0.0), max(seen.high, 0.0)
    scale = np.float32(max((high - low) / 255, float(np.finfo(np.float32).tiny)))
    return np.array(scale), np.array(np.clip(np.rint(-low / float(scale)), 0, 255), np.uint8)


def _bias(bias: NDArray[np.float32], steps: NDArray[np.float32]) -> NDArray[np.int32]:
    if bias.size not in (1, steps.size):
        raise ValueError("a Gemm has a bias that is not one number an output")
    limits = np.iinfo(np.int32)
    rounded = np.clip(np.rint(bias.astype(np.float64).reshape(-1) / steps), limits.min, limits.max)
    return np.broadcast_to(rounded, steps.shape).astype(np.int32)


def _zeros(scales: NDArray[np.float32]) -> NDArray[np.int8]:
    return np.zeros(scales.shape, np.int8)
