"""Telling the precision of a graph that edgekit did not make from its operators and weights."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from edgekit_export.graph.operators import weighted_operators
from edgekit_export.graph.walk import every_graph, every_tensor
from edgekit_targets.types.manifest import Precision

if TYPE_CHECKING:
    from onnx import ModelProto

_DYNAMIC = {"DynamicQuantizeLSTM", "DynamicQuantizeLinear", "DynamicQuantizeMatMul", "MatMulInteger", "ConvInteger"}
_STATIC = {"QLinearMatMul", "QLinearConv", "QGemm", "QuantizeLinear"}
_KIND = {
    "FLOAT": "fp32",
    "DOUBLE": "fp32",
    "FLOAT16": "fp16",
    "BFLOAT16": "fp16",
    "INT8": "integer",
    "UINT8": "integer",
    "INT4": "integer",
    "UINT4": "integer",
}


def precision_of(model: ModelProto) -> tuple[Precision, tuple[str, ...]]:
    """The precision, and notes on what its name does not say.

    A file whose weights are mostly float is not called int8, however it was made: stock tools leave whole layers in
    float without a word.
    """
    from onnx import TensorProto

    floats: Precision = "fp32"
    sizes: Counter[str] = Counter()
    for tensor in every_tensor(model.graph):
        if len(tensor.dims) >= 2:
            sizes[_KIND.get(TensorProto.DataType.Name(tensor.data_type), "other")] += math.prod(tensor.dims)
    if sizes["fp16"] > sizes["fp32"]:
        floats = "fp16"
    integer = _integer(model)
    if integer is None:
        return floats, ()
    left = [
        f"{kind} {entry.total - entry.quantized} of {entry.total}"
        for kind, entry in weighted_operators(model).items()
        if entry.quantized < entry.total
    ]
    notes = (f"not quantized although the file holds {integer} operators: {', '.join(left)}",) if left else ()
    if sizes["integer"] < sizes["fp32"] + sizes["fp16"]:
        return floats, (*notes, f"most of its weights are {floats}: edgekit does not call it {integer}")
    return integer, notes


def _integer(model: ModelProto) -> Precision | None:
    nodes = [node for each in every_graph(model.graph) for node in each.node]
    kinds = {node.op_type for node in nodes}
    if kinds & _DYNAMIC:
        return "int8-dynamic"
    if kinds & _STATIC:
        return "int8-static"
    bits = {
        attribute.i
        for node in nodes
        if node.op_type == "MatMulNBits"
        for attribute in node.attribute
        if attribute.name == "bits"
    }
    if bits or "MatMulNBits" in kinds:
        return "int4-weight" if min(bits, default=4) <= 4 else "int8-weight"
    dequantized = "DequantizeLinear" in kinds or any(entry.quantized for entry in weighted_operators(model).values())
    return "int8-weight" if dequantized else None
