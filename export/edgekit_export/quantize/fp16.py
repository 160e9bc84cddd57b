"""fp16: weights and arithmetic in float16, inputs and outputs in float32; meant for GPU and NPU.

On a processor it saves storage only: ONNX Runtime has no fp16 LSTM there and computes most of the rest in fp32 between
casts. What scales raw inputs (normalisation) stays in float32: a sensor may well give numbers that float16 cannot
hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edgekit_export.graph.operators import weighted_operators
from edgekit_export.quantize.contract import Converted, Refused
from edgekit_targets.types.manifest import Precision as PrecisionName
from edgekit_targets.types.manifest import Weights

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

    from edgekit_export.quantize.calibration import Calibration

_SCALING = ("Sub", "Add", "Mul", "Div")
_FLOAT, _HALF = 1, 10  # onnx.TensorProto.FLOAT, FLOAT16
_TYPED = {"Cast": "to", "EyeLike": "dtype", "RandomNormalLike": "dtype", "RandomUniformLike": "dtype"}
# Operators of which ONNX has no float16 form, or whose float attributes would have to become tensors.
_WITHOUT = ("Range", "If", "Loop", "Scan", "RandomNormal", "RandomUniform")


@dataclass(frozen=True)
class Fp16:
    """Every float tensor behind the normalisation, whatever the operator."""

    name: PrecisionName = "fp16"
    integer: bool = False
    calibrated: bool = False
    tolerance: float = 0.02
    relative_limit: Mapping[Weights, float] = field(default_factory=lambda: {"trained": 0.01, "random": 0.01})

    def apply(self, model: ModelProto, isa: str, calibration: Calibration | None = None) -> Converted | Refused:
        """Convert the graph; refused where a weight is beyond float16 or an operator has no float16 form."""
        source = weighted_operators(model)
        if not source:
            return Refused(reason="the model has no operator with constant weights")
        result = type(model)()
        result.CopyFrom(model)
        try:
            _convert(result)
        except ValueError as error:
            return Refused(reason=str(error))
        return Converted(model=result, quantized=source)


def _convert(model: ModelProto) -> None:
    from onnx import helper

    graph = model.graph
    wide = {value.name for value in graph.input if value.type.tensor_type.elem_type == _FLOAT}
    constants = {tensor.name for tensor in graph.initializer if tensor.data_type == _FLOAT}
    answers = {value.name for value in graph.output if value.type.tensor_type.elem_type == _FLOAT}
    kept: set[str] = set()
    nodes: list[NodeProto] = []
    cast: dict[str, str] = {}
    for node in graph.node:
        if node.op_type in _WITHOUT and (node.op_type != "Range" or set(node.input) & constants):
            raise ValueError(f"{node.op_type} has no float16 form")
        if node.op_type in _SCALING and set(node.input) & wide and set(node.input) <= wide | constants:
            wide.update(node.output)
            kept |= set(node.input) & constants
            nodes.append(node)
            continue
        for position, name in enumerate(node.input):
            if name in wide and node.op_type not in ("Shape", "Size"):
                if name not in cast:
                    cast[name] = f"{name}_half"
                    nodes.append(helper.make_node("Cast", [name], [cast[name]], f"{name}_half_Cast", to=_HALF))
                node.input[position] = cast[name]
        _retype(node)
        nodes.append(node)
    _split(graph, [node for node in nodes if node.output[0] not in wide], kept)
    _answer_in_float32(nodes, answers - wide)
    for tensor in graph.initializer:
        if tensor.data_type == _FLOAT and tensor.name not in kept:
            _halve(tensor)
    del graph.node[:]
    graph.node.extend(nodes)


def _split(graph: GraphProto, behind: list[NodeProto], kept: set[str]) -> None:
    """A constant that the normalisation and the rest share, as equal weights are stored once, becomes two."""
    shared = {name for node in behind for name in node.input} & kept
    for node in behind:
        for position, name in enumerate(node.input):
            if name in shared:
                node.input[position] = f"{name}_fp16"
    for tensor in [tensor for tensor in graph.initializer if tensor.name in shared]:
        graph.initializer.add().CopyFrom(tensor)
        graph.initializer[-1].name = f"{tensor.name}_fp16"


def _answer_in_float32(nodes: list[NodeProto], answers: set[str]) -> None:
    """Rename the outputs inside the graph and cast them at its end."""
    from onnx import helper

    produced = {name for node in nodes for name in node.output} & answers
    for node in nodes:
        for names in (node.input, node.output):
            for position, name in enumerate(names):
                if name in produced:
                    names[position] = f"{name}_half"
    nodes += [
        helper.make_node("Cast", [f"{name}_half"], [name], f"{name}_Cast", to=_FLOAT) for name in sorted(produced)
    ]


def _retype(node: NodeProto) -> None:
    """Attributes that name or hold float32."""
    for attribute in node.attribute:
        if attribute.name == _TYPED.get(node.op_type) and attribute.i == _FLOAT:
            attribute.i = _HALF
        elif attribute.HasField("t") and attribute.t.data_type == _FLOAT:
            _halve(attribute.t)
        elif node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
            raise ValueError("a Constant holds float attributes that have no float16 form")


def _halve(tensor: TensorProto) -> None:
    from onnx import numpy_helper

    exact = numpy_helper.to_array(tensor)
    with np.errstate(over="ignore"):
        half = exact.astype(np.float16)
    if not np.isfinite(half).all():
        raise ValueError(f"{tensor.name or 'a constant'} holds numbers that float16 cannot (beyond 65504)")
    tensor.CopyFrom(numpy_helper.from_array(half, tensor.name))
