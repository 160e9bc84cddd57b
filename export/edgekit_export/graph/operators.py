"""Counting the operators that hold weights, and how many of them are quantized.

This is what an artifact's name is held against: a quantizer that passes an operator by (ONNX Runtime's
``quantize_dynamic`` does so without a word for every LSTM whose weights are no initializers) shows here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgekit_export.graph.walk import inner_graphs
from edgekit_targets.types.manifest import Quantized

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

_EIGHT_BITS = (2, 3)  # onnx.TensorProto.UINT8, INT8
# Position of the weights among the inputs, float form.
_FLOAT: dict[str, tuple[int, ...]] = {
    "MatMul": (1, 0),
    "FusedMatMul": (1, 0),
    "Gemm": (1, 0),
    "FusedGemm": (1, 0),
    "LSTM": (1,),
    "GRU": (1,),
    "RNN": (1,),
    "Conv": (1,),
    "FusedConv": (1,),
    "ConvTranspose": (1,),
}
# What counts as the quantized form of which operator, and where its weights are.
_INTEGER: dict[str, tuple[str, int]] = {
    "MatMulInteger": ("MatMul", 1),
    "MatMulIntegerToFloat": ("MatMul", 1),
    "DynamicQuantizeMatMul": ("MatMul", 1),
    "QLinearMatMul": ("MatMul", 3),
    "MatMulNBits": ("MatMul", 1),
    "QGemm": ("Gemm", 3),
    "DynamicQuantizeLSTM": ("LSTM", 1),
    "ConvInteger": ("Conv", 1),
    "QLinearConv": ("Conv", 3),
}


def weighted_operators(model: ModelProto) -> dict[str, Quantized]:
    """Operators with constant weights by type, with the number that is quantized.

    A weight is constant if nothing in it depends on an input of the graph: an initializer, or what Slice, Concat,
    Transpose and the like make of initializers. A float operator whose weights come out of a ``DequantizeLinear``, or
    of a ``Cast`` of 8-bit integers, counts as quantized. Branches and bodies of control flow are counted like the rest.
    """
    counts: dict[str, list[int]] = {}
    _count(model.graph, (set(), set(), set()), counts)
    return {kind: Quantized(quantized=done, total=total) for kind, (done, total) in sorted(counts.items())}


Names = tuple[set[str], set[str], set[str]]
"""Constants, those of 8-bit integers, those made float from integers."""


def _count(graph: GraphProto, outer: Names, counts: dict[str, list[int]]) -> None:
    """Count one graph, then those inside it, which see what is constant around them."""
    names = _constants(graph, outer)
    for node in graph.node:
        for kind, quantized in _kind(node, names[0], names[2]):
            entry = counts.setdefault(kind, [0, 0])
            entry[0] += quantized
            entry[1] += 1
        for inner in inner_graphs(node):
            _count(inner, names, counts)


def weight_elements(model: ModelProto) -> dict[str, int]:
    """How many numbers the operators with constant weights hold, by type; weights that several share count once."""
    constants, _, _ = _constants(model.graph)
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in model.graph.initializer}
    sizes |= {
        node.output[0]: math.prod(attribute.t.dims)
        for node in model.graph.node
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.name == "value"
    }
    for node in model.graph.node:
        if node.input and all(name in sizes for name in node.input if name):
            sizes |= dict.fromkeys(node.output, sum(sizes[name] for name in node.input if name))
    counts: dict[str, int] = {}
    seen: set[str] = set()
    for node in model.graph.node:
        for kind, _ in _kind(node, constants, set()):
            fresh = [name for name in dict.fromkeys(node.input[1:]) if name in sizes and name not in seen]
            seen.update(fresh)
            counts[kind] = counts.get(kind, 0) + sum(sizes[name] for name in fresh)
    return counts


def _constants(graph: GraphProto, outer: Names = (set(), set(), set())) -> Names:
    constants, integers, dequantized = ({*names} for names in outer)
    constants |= {tensor.name for tensor in graph.initializer}
    constants |= {tensor.values.name for tensor in graph.sparse_initializer}
    integers |= {tensor.name for tensor in graph.initializer if tensor.data_type in _EIGHT_BITS}
    for node in graph.node:
        inputs = [name for name in node.input if name]
        if any(True for _ in inner_graphs(node)):
            continue  # its branches may read anything around it
        if node.op_type == "Constant" or (inputs and all(name in constants for name in inputs)):
            constants.update(node.output)
            made_float = node.op_type == "DequantizeLinear" or (node.op_type == "Cast" and inputs[0] in integers)
            if made_float or any(name in dequantized for name in inputs):
                dequantized.update(node.output)
    return constants, integers, dequantized


def _kind(node: NodeProto, constants: set[str], dequantized: set[str]) -> Iterator[tuple[str, bool]]:
    if node.op_type in _INTEGER:
        kind, position = _INTEGER[node.op_type]
        if len(node.input) > position and node.input[position] in constants:
            yield kind, True
        return
    for position in _FLOAT.get(node.op_type, ()):
        if len(node.input) > position and node.input[position] in constants:
            yield node.op_type, node.input[position] in dequantized
            return
