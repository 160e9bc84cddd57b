"""Facts about a finished graph, read from the graph itself, and the checks every artifact must pass."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit_export.graph.walk import every_graph, every_tensor
from edgekit_targets.errors import CheckFailed
from edgekit_targets.extras import require
from edgekit_targets.types.manifest import State, Tensor

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

# First ONNX Runtime that reads an opset and an IR version (its docs/Versioning and compatibility tables). edgekit
# supports 1.16 and newer, so older answers are rounded up to it. What is not listed is not known here.
_RUNTIME_OF_OPSET = {**dict.fromkeys(range(7, 20), 16), 20: 17, 21: 18, 23: 23}
_RUNTIME_OF_IR = {**dict.fromkeys(range(3, 10), 16), 10: 18}
_CONTRIB_SINCE_1_16 = {"DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"}
# MatMulNBits in this form was tried on 1.16.3, 1.17 to 1.20, 1.22 and 1.32.
_NBITS = {"K", "N", "bits", "block_size"}
_NOT_WEIGHTS = {"INT64", "INT32", "BOOL", "STRING"}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a graph is made of. ``min_onnxruntime`` is None where the tables above do not say."""

    opset: int
    ir_version: int
    parameters: int
    operators: dict[str, int]
    min_onnxruntime: str | None
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read_facts(model: ModelProto) -> Facts:
    """Read the facts of ``model``; ``parameters`` counts the elements of all weights (shapes and indices excluded)."""
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    initial = {tensor.name for tensor in model.graph.initializer}
    return Facts(
        opset=opset,
        ir_version=model.ir_version,
        parameters=sum(_elements(tensor) for tensor in every_tensor(model.graph)),
        operators=dict(
            sorted(Counter(node.op_type for each in every_graph(model.graph) for node in each.node).items())
        ),
        min_onnxruntime=_min_onnxruntime(model, opset),
        inputs=tuple(_tensor(value) for value in model.graph.input if value.name not in initial),
        outputs=tuple(_tensor(value) for value in model.graph.output),
    )


def check(model: ModelProto, *, dynamic: Mapping[str, Mapping[int, str]], states: Sequence[State] = ()) -> None:
    """Hold a finished artifact against what edgekit promises about every one.

    Args:
        model: the finished graph.
        dynamic: by input and output, the names of its axes that vary. Every other axis of an input must be fixed, and
            those of an output must be declared as varying, under whatever name.
        states: carried inputs and outputs, which must be declared as they say.

    Raises:
        CheckFailed: the ONNX checker refuses the model, a declared dimension is frozen, a state is not there, or
            it cannot be written in place although it says so.
    """
    onnx = require("onnx")
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise CheckFailed(f"the ONNX checker refuses the graph: {str(error).splitlines()[0]}") from error
    facts = read_facts(model)
    _check_states(facts, states)
    _check_in_place(model, states)
    carried = {name for state in states for name in (state.input, state.output)}
    for tensor in facts.inputs:
        if tensor.name in carried:
            continue
        for axis, size in enumerate(tensor.shape):
            wanted = dynamic.get(tensor.name, {}).get(axis)
            if (wanted is None and not isinstance(size, int)) or (wanted is not None and size != wanted):
                promised = dict(dynamic.get(tensor.name, {}))
                raise CheckFailed(f"input {tensor.name} declares {tensor.shape}, promised are the names {promised}")
    for tensor in facts.outputs:
        if tensor.name in carried:
            continue
        for axis, name in dynamic.get(tensor.name, {}).items():
            if axis >= len(tensor.shape) or isinstance(tensor.shape[axis], int):
                raise CheckFailed(f"output {tensor.name} declares {tensor.shape}: the {name} is frozen")


def _check_states(facts: Facts, states: Sequence[State]) -> None:
    declared = {(tensor.name, tensor.dtype, tensor.shape) for tensor in (*facts.inputs, *facts.outputs)}
    for state in states:
        for name in (state.input, state.output):
            if (name, state.dtype, state.shape) not in declared:
                raise CheckFailed(f"state {name} is not declared as {state.dtype} {list(state.shape)}")


def _check_in_place(model: ModelProto, states: Sequence[State]) -> None:
    """Writing over the old value is safe if its only reader is the ``ScatterND`` that makes the new one.

    ONNX Runtime's kernel copies only where the buffers differ (core/providers/cpu/tensor/scatter_nd.cc). A ``Cast`` as
    the only reader (in a float16 file) is as good: it makes a copy, and the new value follows from that. ``Shape``
    reads no value.
    """
    for state in states:
        if not state.in_place:
            continue
        readers = [node for node in model.graph.node if state.input in node.input and node.op_type != "Shape"]
        if len(readers) == 1 and list(readers[0].input).count(state.input) == 1:
            (reader,) = readers
            writes = reader.input[0] == state.input and reader.output[0] == state.output
            if reader.op_type == "Cast" or (reader.op_type == "ScatterND" and writes):
                continue
        raise CheckFailed(f"state {state.input} cannot be written in place: not only its ScatterND reads it")


def _elements(tensor: TensorProto) -> int:
    kind = require("onnx").TensorProto.DataType.Name(tensor.data_type)
    return 0 if kind in _NOT_WEIGHTS else math.prod(tensor.dims)


def _min_onnxruntime(model: ModelProto, opset: int) -> str | None:
    nodes = [node for each in every_graph(model.graph) for node in each.node]
    contrib = {node.op_type for node in nodes if node.domain not in ("", "ai.onnx") and not _four_bits(node)}
    if contrib - _CONTRIB_SINCE_1_16 or opset not in _RUNTIME_OF_OPSET or model.ir_version not in _RUNTIME_OF_IR:
        return None
    return f"1.{max(_RUNTIME_OF_OPSET[opset], _RUNTIME_OF_IR[model.ir_version], _half(model))}"


def _half(model: ModelProto) -> int:
    """What float16 needs on processors, tried on 1.16.3, 1.17.3, 1.18.1, 1.19.0, 1.19.2, 1.20.1, 1.22.1 and 1.32.0.

    1.16 has no LayerNormalization in it (it refuses the file). 1.17 and 1.18 answer wrongly where a ring is written by
    ScatterND (by 0.1 in a logit; at every level of optimization, the cause was not found); 1.19 and newer are right.
    """
    if not any(tensor.data_type == tensor.FLOAT16 for tensor in model.graph.initializer):
        return 16
    kinds = {node.op_type for node in model.graph.node}
    return 19 if "ScatterND" in kinds else 17 if "LayerNormalization" in kinds else 16


def _four_bits(node: NodeProto) -> bool:
    """MatMulNBits in the form that ONNX Runtime 1.16 has: 4 bits, no later attribute or input."""
    given = {attribute.name: attribute.i for attribute in node.attribute}
    return node.op_type == "MatMulNBits" and set(given) == _NBITS and given["bits"] == 4 and len(node.input) == 3


def _tensor(value: ValueInfoProto) -> Tensor:
    onnx = require("onnx")
    kind = value.type.tensor_type
    shape = tuple(
        dim.dim_value if dim.HasField("dim_value") else (dim.dim_param or f"{value.name}_{axis}")
        for axis, dim in enumerate(kind.shape.dim)
    )
    return Tensor(name=value.name, dtype=str(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)), shape=shape)
