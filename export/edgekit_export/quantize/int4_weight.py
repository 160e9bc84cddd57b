"""int4-weight: 4-bit weights in blocks of 32 with a scale each, computed in float.

``com.microsoft.MatMulNBits`` (ONNX Runtime, docs/ContribOperators.md) at opset 18: ONNX itself has 4-bit types only
from opset 21 and IR version 10 on, which ONNX Runtime 1.16 cannot read. Without ``accuracy_level`` activations stay
float.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from edgekit_export.quantize.contract import Converted, Refused
from edgekit_export.quantize.feedback import output_error, round_with_feedback
from edgekit_export.quantize.int8_weight import LEAST_WEIGHTS, WHY
from edgekit_export.quantize.linear import Floats, floats_of, linear_of
from edgekit_export.quantize.promise import CONTRIB, keep_promise, rebuilt
from edgekit_targets.types.manifest import Precision as PrecisionName
from edgekit_targets.types.manifest import Weights

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

    from edgekit_export.quantize.calibration import Calibration

BLOCK: Final = 32
_LOW, _HIGH = -8, 7
_SHRINK = np.linspace(0.8, 1.0, 9)


@dataclass(frozen=True)
class Int4Weight:
    """MatMul and Gemm with constant weights. The error is reported and judged by the accuracy, not by a bound."""

    name: PrecisionName = "int4-weight"
    integer: bool = False
    calibrated: bool = True
    tolerance: float = 0.5
    relative_limit: Mapping[Weights, float] = field(default_factory=dict)

    def apply(self, model: ModelProto, isa: str, calibration: Calibration | None = None) -> Converted | Refused:
        """Rewrite every linear operator, or say which one cannot be, or that the model is too small for it."""
        return keep_promise(model, lambda: _rewrite(model, calibration), WHY, least=LEAST_WEIGHTS)


def quantize_blocks(weights: Floats, gram: NDArray[np.float64] | None = None) -> tuple[NDArray[np.int8], Floats]:
    """Quantize ``weights`` ``[inputs, outputs]`` to [-8, 7] with one scale for each 32 inputs of an output.

    Of the scales tried, each block gets the one with the least squared error; with ``gram`` (of the activations that
    the weights will meet) rounding is done with feedback where that brings an output closer.

    Returns:
        int8 ``[inputs, outputs]`` and float32 scales ``[blocks, outputs]``, the last block padded with zeros.

    Raises:
        ValueError: a weight is NaN or infinite.
    """
    exact = weights.astype(np.float64)
    if not np.isfinite(exact).all():
        raise ValueError("the weights hold NaN or infinity")
    inputs, outputs = exact.shape
    blocks = -(-inputs // BLOCK)
    padded = np.zeros((blocks * BLOCK, outputs))
    padded[:inputs] = exact
    scales = _scales(padded.reshape(blocks, BLOCK, outputs))
    wide = np.repeat(scales.astype(np.float64), BLOCK, axis=0)[:inputs]
    integers = np.clip(np.rint(exact / wide), _LOW, _HIGH).astype(np.int8)
    if gram is None:
        return integers, scales
    better = round_with_feedback(exact, wide, gram, low=_LOW, high=_HIGH)
    before, after = (output_error(exact - candidate * wide, gram) for candidate in (integers, better))
    return np.where(after < before, better, integers), scales


def _scales(blocks: NDArray[np.float64]) -> Floats:
    """The best scale of each block ``[blocks, 32, outputs]``; a negative one lets the largest weight be -8."""
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1, keepdims=True), axis=1)
    best = np.ones(largest.shape, np.float32)
    least = np.full(largest.shape, np.inf)
    tiny = float(np.finfo(np.float32).tiny)
    for shrink in _SHRINK:
        for steps in (_LOW, _HIGH):
            scale = (largest * shrink / steps).astype(np.float32)
            scale = np.where(np.abs(scale) < tiny, np.float32(1), scale)
            wide = scale.astype(np.float64)
            rounded = np.clip(np.rint(blocks / wide), _LOW, _HIGH)
            error = np.square(blocks - rounded * wide).sum(axis=1, keepdims=True)
            best, least = np.where(error < least, scale, best), np.minimum(error, least)
    result: Floats = best[:, 0]
    return result


def packed(integers: NDArray[np.int8]) -> NDArray[np.uint8]:
    """``[inputs, outputs]`` as ``[outputs, blocks, 16]``: two a byte, the earlier in the low half; 8 is zero."""
    inputs, outputs = integers.shape
    blocks = -(-inputs // BLOCK)
    padded = np.zeros((blocks * BLOCK, outputs), np.int8)
    padded[:inputs] = integers
    unsigned = (padded.T.reshape(outputs, blocks, BLOCK).astype(np.int16) + 8).astype(np.uint8)
    bytes_of_two: NDArray[np.uint8] = unsigned[..., 0::2] | np.left_shift(unsigned[..., 1::2], 4, dtype=np.uint8)
    return bytes_of_two


def _rewrite(model: ModelProto, calibration: Calibration | None) -> ModelProto:
    from onnx import helper

    floats = floats_of(model)
    nodes: list[NodeProto] = []
    held: dict[str, NDArray[np.generic]] = {}
    for node in model.graph.node:
        linear = linear_of(node, floats)
        if linear is None:
            nodes.append(node)
            continue
        names = [f"{linear.weights}_int4", f"{linear.weights}_scales"]
        if names[0] not in held:
            gram = None if calibration is None else calibration.gram(linear.matrix)
            integers, scales = quantize_blocks(linear.matrix, gram)
            held |= {names[0]: packed(integers), names[1]: np.ascontiguousarray(scales.T).reshape(-1)}
        product = f"{linear.output}_product" if linear.bias else linear.output
        sizes = dict(zip(("K", "N"), linear.matrix.shape, strict=True))
        nodes.append(
            helper.make_node(
                "MatMulNBits",
                [linear.x, *names],
                [product],
                f"{product}_MatMulNBits",
                domain=CONTRIB,
                bits=4,
                block_size=BLOCK,
                **sizes,
            )
        )
        if linear.bias:
            nodes.append(helper.make_node("Add", [product, linear.bias], [linear.output], f"{linear.output}_Add"))
    return rebuilt(model, nodes, held)
