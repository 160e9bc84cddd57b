"""Everything inside a graph, the branches and bodies of its control flow included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

_GRAPH, _GRAPHS = 5, 10  # onnx.AttributeProto.GRAPH, GRAPHS


def inner_graphs(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs that a node holds: the branches of an If, the body of a Loop or Scan."""
    for attribute in node.attribute:
        if attribute.type == _GRAPH:
            yield attribute.g
        elif attribute.type == _GRAPHS:
            yield from attribute.graphs


def every_graph(graph: GraphProto) -> Iterator[GraphProto]:
    """``graph`` and all graphs inside it, outer ones first."""
    waiting = [graph]
    while waiting:
        found = waiting.pop()
        yield found
        for node in found.node:
            waiting.extend(inner_graphs(node))


def every_tensor(graph: GraphProto) -> Iterator[TensorProto]:
    """The initializers and constants of ``graph`` and of all graphs inside it."""
    for each in every_graph(graph):
        yield from each.initializer
        for node in each.node:
            if node.op_type == "Constant":
                yield from (attribute.t for attribute in node.attribute if attribute.name == "value")
