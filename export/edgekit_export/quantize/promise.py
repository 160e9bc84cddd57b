"""Holding a rewrite to its name: every operator with constant weights is quantized, or there is no artifact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgekit_export.graph.operators import weight_elements, weighted_operators
from edgekit_export.graph.walk import inner_graphs
from edgekit_export.quantize.contract import Converted, Refused
from edgekit_targets.types.manifest import Quantized

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

CONTRIB = "com.microsoft"
_MOST_FLOAT = 0.5
_WHY = {
    "LSTM": "its weights are not constants of the file",
    "MatMul": "its weights are not a constant matrix on the right",
    "Gemm": "its weights or bias are not constants in a form that can be quantized",
}


def keep_promise(
    model: ModelProto,
    rewrite: Callable[[], ModelProto],
    why: Mapping[str, str],
    least: int = 0,
    tolerated: Sequence[str] = (),
) -> Converted | Refused:
    """Rewrite ``model`` and count what was done.

    Args:
        model: the fp32 graph; not changed.
        rewrite: gives the quantized graph; a ValueError of it is a reason to refuse.
        why: by type of operator, why the precision has no form for it.
        least: elements of all weights below which the precision is not offered.
        tolerated: types of operators that may stay float as long as they hold less than half of the weights.

    Returns:
        A refusal that names the operator which would stay float, or the rewritten graph with its counts.
    """
    source = weighted_operators(model)
    if not source:
        return Refused(reason="the model has no operator with constant weights")
    if inside := _inside(model):
        return Refused(
            reason=f"{inside} stands inside control flow (If, Loop, Scan), where nothing is quantized; where an input "
            "decides on the branch, set it with --set-input"
        )
    shares = _shares(model)
    left_over = {kind: shares[kind] for kind in tolerated if kind in shares}
    if len(left_over) == len(source) or sum(left_over.values()) >= _MOST_FLOAT:
        left_over = {}
    if hopeless := next((kind for kind in source if kind in why and kind not in left_over), None):
        if hopeless in tolerated and len(source) > 1:
            why = {hopeless: f"{why[hopeless]}, and it holds {shares[hopeless]:.0%} of the weights"}
        return _stays(hopeless, source[hopeless].total, source[hopeless].total, why)
    if (size := _weights(model)) < least:
        return Refused(
            reason=f"{size:,} weights are too few to dominate time or memory (offered from {least:,}); use int8-dynamic"
        )
    try:
        result = rewrite()
    except ValueError as error:
        return Refused(reason=str(error))
    after = weighted_operators(result)
    counts: dict[str, Quantized] = {}
    notes: list[str] = []
    for kind, entry in source.items():
        left = after[kind].total - after[kind].quantized if kind in after else 0
        if left and kind in left_over:
            counts[kind] = Quantized(quantized=entry.total - left, total=entry.total)
            notes.append(
                f"{kind} ({left} of {entry.total}) stays float, {left_over[kind]:.0%} of the weights: {why[kind]}"
            )
            continue
        if left:
            return _stays(kind, left, entry.total, _WHY | dict(why))
        counts[kind] = Quantized(quantized=entry.total, total=entry.total)
    return Converted(model=result, quantized=counts, notes=tuple(notes))


def rebuilt(
    model: ModelProto, nodes: Sequence[NodeProto], initializers: Mapping[str, NDArray[np.generic]]
) -> ModelProto:
    """``model`` with other ``nodes``; of its own initializers those that are still read stay."""
    from onnx import numpy_helper

    result = type(model)()
    result.CopyFrom(model)
    del result.graph.node[:], result.graph.initializer[:]
    result.graph.node.extend(nodes)
    read = {name for node in nodes for name in node.input}
    result.graph.initializer.extend(tensor for tensor in model.graph.initializer if tensor.name in read)
    for name, array in initializers.items():
        result.graph.initializer.append(numpy_helper.from_array(array, name))
    if any(node.domain == CONTRIB for node in nodes) and not any(one.domain == CONTRIB for one in result.opset_import):
        result.opset_import.add(domain=CONTRIB, version=1)
    return result


def _inside(model: ModelProto) -> str | None:
    """The type of an operator with constant weights inside a branch or a body."""
    alone = type(model)()
    alone.CopyFrom(model)
    for node in alone.graph.node:
        if any(True for _ in inner_graphs(node)):
            del node.attribute[:]
    outside, whole = weighted_operators(alone), weighted_operators(model)
    return next((kind for kind in whole if kind not in outside or outside[kind] != whole[kind]), None)


def _shares(model: ModelProto) -> dict[str, float]:
    """The share of all weights that operators of each type hold."""
    elements = weight_elements(model)
    whole = max(1, sum(elements.values()))
    return {kind: count / whole for kind, count in elements.items()}


def _stays(kind: str, left: int, total: int, why: Mapping[str, str]) -> Refused:
    return Refused(reason=f"{kind} ({left} of {total}) stays float: {why.get(kind, 'it has no such form')}")


def _weights(model: ModelProto) -> int:
    return sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer if len(tensor.dims) >= 2)
