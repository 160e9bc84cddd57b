"""Weights that are cut up before they are used, as ``nn.MultiheadAttention`` does with its packed projections.

Where query and key differ (cross attention), PyTorch splits ``in_proj_weight``; the exporter's own folding passes over
a Split, for it has several outputs, and a quantizer then finds no constant weights behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgekit_export.graph.walk import every_graph
from edgekit_targets.extras import require

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


def split_weights(model: ModelProto) -> ModelProto:
    """A copy in which every Split of an initializer, and a Transpose right behind it, is initializers itself."""
    onnx = require("onnx")
    result = type(model)()
    result.CopyFrom(model)
    graph = result.graph
    known = {tensor.name: tensor for tensor in graph.initializer}
    made: dict[str, NDArray[np.generic]] = {}
    kept = []
    for node in graph.node:
        if node.op_type == "Split" and node.input[0] in known:
            parts = _parts(
                node, {name: onnx.numpy_helper.to_array(known[name]) for name in node.input if name in known}
            )
            if parts is not None:
                made |= dict(zip(node.output, parts, strict=True))
                continue
        if node.op_type == "Transpose" and node.input[0] in made:
            order = next((list(one.ints) for one in node.attribute if one.name == "perm"), None)
            made[node.output[0]] = np.ascontiguousarray(made[node.input[0]].transpose(order))
            continue
        kept.append(node)
    if not made:
        return model
    del graph.node[:]
    graph.node.extend(kept)
    read = {name for each in every_graph(graph) for node in each.node for name in node.input}
    read |= {value.name for each in every_graph(graph) for value in each.output}
    tensors = [tensor for tensor in graph.initializer if tensor.name in read]
    tensors += [onnx.numpy_helper.from_array(value, name) for name, value in made.items() if name in read]
    del graph.initializer[:]
    graph.initializer.extend(tensors)
    return result


def _parts(node: NodeProto, constants: dict[str, NDArray[np.generic]]) -> list[NDArray[np.generic]] | None:
    """What the node gives; None where its sizes are not known here."""
    value = constants[node.input[0]]
    axis = next((one.i for one in node.attribute if one.name == "axis"), 0)
    if len(node.input) > 1 and node.input[1]:
        if node.input[1] not in constants:
            return None
        sizes = [int(size) for size in constants[node.input[1]]]
    else:
        # Equal parts, the last one smaller where they do not come out even.
        each = -(-value.shape[axis] // len(node.output))
        sizes = [min(each, value.shape[axis] - each * number) for number in range(len(node.output))]
    if len(sizes) != len(node.output) or sum(sizes) != value.shape[axis] or min(sizes) < 0:
        return None
    return [np.ascontiguousarray(part) for part in np.split(value, np.cumsum(sizes)[:-1], axis=axis)]
