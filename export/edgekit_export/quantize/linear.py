"""Finding the linear operators of a graph: MatMul and Gemm whose weights are one constant matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear:
    """``output = x @ matrix + bias``; ``matrix`` is ``[inputs, outputs]``.

    ``weights`` is a name for the matrix in this orientation, ``bias`` that of an initializer (empty for none).
    """

    x: str
    weights: str
    matrix: Floats
    bias: str
    output: str


def linear_of(node: NodeProto, floats: dict[str, Floats]) -> Linear | None:
    """``node`` as a linear operator, or nothing where its weights are no matrix among ``floats`` on the right."""
    if node.op_type not in ("MatMul", "Gemm"):
        return None
    given = attributes_of(node)
    weights = floats.get(node.input[1])
    bias = node.input[2] if len(node.input) > 2 else ""
    if weights is None or weights.ndim != 2 or (bias and bias not in floats):
        return None
    if given.get("transA", 0) or given.get("alpha", 1.0) != 1.0 or given.get("beta", 1.0) != 1.0:
        return None
    transposed = bool(given.get("transB", 0))
    return Linear(
        x=node.input[0],
        weights=f"{node.input[1]}_t" if transposed else node.input[1],
        matrix=weights.T if transposed else weights,
        bias=bias,
        output=node.output[0],
    )


def floats_of(model: ModelProto) -> dict[str, Floats]:
    """The float32 initializers by name."""
    from onnx import numpy_helper

    return {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.data_type == tensor.FLOAT
    }


def attributes_of(node: NodeProto) -> dict[str, Any]:
    """The attributes of a node by name."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
