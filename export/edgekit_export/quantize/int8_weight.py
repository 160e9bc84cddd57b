"""int8-weight: int8 weights in the file, computed in float; for models whose weights dominate the size.

Cast and Mul with one scale a column in front of the MatMul. ONNX Runtime folds the two while loading, so it is as fast
as fp32 (and takes as much memory); OpenVINO keeps the weights compressed. Measured alternatives: behind a
``DequantizeLinear`` ONNX Runtime 1.32 quantizes the activations too (``accuracy_level`` 4: 1.3 instead of 0.5 % output
error on the preset ``mid``), and older ones dequantize at every run; ``MatMulNBits`` with 8 bits is refused up to 1.20
and 15 times slower than fp32 at one row unless it quantizes the activations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgekit_export.quantize.contract import Converted, Refused
from edgekit_export.quantize.linear import floats_of, linear_of
from edgekit_export.quantize.promise import keep_promise, rebuilt
from edgekit_export.quantize.weights import quantize_columns
from edgekit_targets.types.manifest import Precision as PrecisionName
from edgekit_targets.types.manifest import Weights

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

    from edgekit_export.quantize.calibration import Calibration

LEAST_WEIGHTS = 250_000
"""Weights from which on they dominate: the preset ``mid`` has twice as many, ``iot`` less than half."""
_RNN = "no runtime here computes a recurrent operator from int8 weights in float; use int8-dynamic"
WHY = dict.fromkeys(("LSTM", "GRU", "RNN"), _RNN) | dict.fromkeys(
    ("Conv", "ConvTranspose"), "only MatMul and Gemm are quantized"
)


@dataclass(frozen=True)
class Int8Weight:
    """MatMul and Gemm with constant weights."""

    name: PrecisionName = "int8-weight"
    integer: bool = False
    calibrated: bool = True
    tolerance: float = 0.05
    relative_limit: Mapping[Weights, float] = field(default_factory=lambda: {"trained": 0.01, "random": 0.01})

    def apply(self, model: ModelProto, isa: str, calibration: Calibration | None = None) -> Converted | Refused:
        """Rewrite every linear operator, or say which one cannot be, or that the model is too small for it."""
        return keep_promise(model, lambda: _rewrite(model, calibration), WHY, least=LEAST_WEIGHTS)


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
        names = [f"{linear.weights}_{what}" for what in ("int8", "scales")]
        if names[0] not in held:
            gram = None if calibration is None else calibration.gram(linear.matrix)
            integers, scales = quantize_columns(linear.matrix, pair_safe=False, gram=gram)
            held |= dict(zip(names, (integers, scales), strict=True))
        product = f"{linear.output}_product" if linear.bias else linear.output
        weights = f"{linear.output}_weights"
        nodes.append(helper.make_node("Cast", names[:1], [f"{weights}_steps"], f"{weights}_Cast", to=1))
        nodes.append(helper.make_node("Mul", [f"{weights}_steps", names[1]], [weights], f"{weights}_Mul"))
        nodes.append(helper.make_node("MatMul", [linear.x, weights], [product], f"{product}_MatMul"))
        if linear.bias:
            nodes.append(helper.make_node("Add", [product, linear.bias], [linear.output], f"{linear.output}_Add"))
    return rebuilt(model, nodes, held)
