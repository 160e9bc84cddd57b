"""int8-dynamic: int8 weights in the file, activations quantized to uint8 at each run from their own range.

A rewrite of edgekit's own instead of ``onnxruntime.quantization``: the whole model is scaled so that no product
saturates on processors without VNNI (see :mod:`edgekit_export.quantize.weights`), at less error than
``reduce_range``, and a model of which a part would stay float is refused instead of carrying the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgekit_export.graph.operators import weighted_operators
from edgekit_export.quantize.contract import PORTABLE, Converted, Refused
from edgekit_export.quantize.rewrite import CONTRIB, Rewriter
from edgekit_targets.types.manifest import Precision as PrecisionName
from edgekit_targets.types.manifest import Quantized, Weights

if TYPE_CHECKING:
    from onnx import ModelProto

_GRAPHS = (5, 10)  # onnx.AttributeProto.GRAPH, GRAPHS
_WHY = {
    "Conv": "ONNX Runtime has no fast dynamic int8 convolution",
    "ConvTranspose": "ONNX Runtime has no int8 form of it",
    "GRU": "ONNX Runtime has no int8 form of it",
    "RNN": "ONNX Runtime has no int8 form of it",
    "LSTM": "its weights are not constants of the file",
    "MatMul": "its weights are not a constant matrix on the right",
    "Gemm": "its weights or bias are not constants in a form that can be quantized",
}


@dataclass(frozen=True)
class Int8Dynamic:
    """LSTM, MatMul and Gemm with constant weights; everything else that holds weights is a reason to refuse."""

    name: PrecisionName = "int8-dynamic"
    integer: bool = True
    tolerance: float = 0.05
    relative_limit: Mapping[Weights, float] = field(default_factory=lambda: {"trained": 0.015, "random": 0.025})

    def apply(self, model: ModelProto, isa: str) -> Converted | Refused:
        """Rewrite every operator with constant weights, or say which one cannot be."""
        source = weighted_operators(model)
        if not source:
            return Refused(reason="the model has no operator with constant weights")
        if any(attribute.type in _GRAPHS for node in model.graph.node for attribute in node.attribute):
            return Refused(reason="the model has control flow (If, Loop, Scan), whose operators cannot be counted")
        try:
            result = _rewrite(model, pair_safe=isa in (PORTABLE, "avx2"))
        except ValueError as error:
            return Refused(reason=str(error))
        counts = {
            kind: Quantized(quantized=entry.total - left, total=entry.total)
            for kind, entry in source.items()
            for left in [_left(result, kind)]
        }
        for kind, entry in counts.items():
            if entry.quantized < entry.total:
                left = f"{entry.total - entry.quantized} of {entry.total}"
                return Refused(reason=f"{kind} ({left}) stays float: {_WHY.get(kind, 'it has no int8 form')}")
        return Converted(model=result, quantized=counts)


def _left(model: ModelProto, kind: str) -> int:
    """Operators of ``kind`` that still have float weights."""
    entry = weighted_operators(model).get(kind)
    return 0 if entry is None else entry.total - entry.quantized


def _rewrite(model: ModelProto, *, pair_safe: bool) -> ModelProto:
    from onnx import numpy_helper

    rewriter = Rewriter(model, pair_safe=pair_safe)
    rewrites = {"MatMul": rewriter.linear, "Gemm": rewriter.linear, "LSTM": rewriter.lstm}
    for node in model.graph.node:
        rewrite = rewrites.get(node.op_type)
        if rewrite is None or not rewrite(node):
            rewriter.keep(node)
    result = type(model)()
    result.CopyFrom(model)
    del result.graph.node[:], result.graph.initializer[:]
    result.graph.node.extend(rewriter.nodes)
    read = {name for node in rewriter.nodes for name in node.input}
    result.graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name in read)
    for name, array in rewriter.initializers.items():
        result.graph.initializer.append(numpy_helper.from_array(array, name))
    if any(node.domain == CONTRIB for node in rewriter.nodes):
        result.opset_import.add(domain=CONTRIB, version=1)
    return result
