"""int8-dynamic: int8 weights in the file, activations quantized to uint8 at each run from their own range.

A rewrite of edgekit's own instead of ``onnxruntime.quantization``: the whole model is scaled so that no product
saturates on processors without VNNI (see :mod:`edgekit_export.quantize.weights`), at less error than
``reduce_range``, and a model of which a part would stay float is refused instead of carrying the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgekit_export.quantize.contract import PORTABLE, Converted, Refused
from edgekit_export.quantize.promise import keep_promise, rebuilt
from edgekit_export.quantize.rewrite import Rewriter
from edgekit_targets.types.manifest import Precision as PrecisionName
from edgekit_targets.types.manifest import Weights

if TYPE_CHECKING:
    from onnx import ModelProto

    from edgekit_export.quantize.calibration import Calibration

_WHY = {
    "Conv": "ONNX Runtime has no fast dynamic int8 convolution",
    "ConvTranspose": "ONNX Runtime has no int8 form of it",
    "GRU": "ONNX Runtime has no int8 form of it",
    "RNN": "ONNX Runtime has no int8 form of it",
}


@dataclass(frozen=True)
class Int8Dynamic:
    """LSTM, MatMul and Gemm with constant weights; everything else that holds weights is a reason to refuse.

    Convolutions in front of them may stay float where they hold the smaller part of all weights; a note says so.
    """

    name: PrecisionName = "int8-dynamic"
    integer: bool = True
    calibrated: bool = True
    # One sample in hundreds lies where rounding tips a trained network over: 6 % was met. The mean is held tighter, by
    # relative_limit.
    tolerance: float = 0.1
    relative_limit: Mapping[Weights, float] = field(
        default_factory=lambda: {"trained": 0.015, "random": 0.025, "imported": 0.05}
    )

    def apply(self, model: ModelProto, isa: str, calibration: Calibration | None = None) -> Converted | Refused:
        """Rewrite every operator with constant weights, or say which one cannot be."""
        return keep_promise(
            model, lambda: _rewrite(model, calibration, pair_safe=isa in (PORTABLE, "avx2")), _WHY, tolerated=("Conv",)
        )


def _rewrite(model: ModelProto, calibration: Calibration | None, *, pair_safe: bool) -> ModelProto:
    rewriter = Rewriter(model, calibration, pair_safe=pair_safe)
    rewrites = {"MatMul": rewriter.linear, "Gemm": rewriter.linear, "LSTM": rewriter.lstm}
    for node in model.graph.node:
        rewrite = rewrites.get(node.op_type)
        if rewrite is None or not rewrite(node):
            rewriter.keep(node)
    return rebuilt(model, rewriter.nodes, rewriter.initializers)
