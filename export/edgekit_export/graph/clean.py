"""Making a traced graph portable and reproducible: nothing of the author's machine inside, the same bytes each time.

The exporter writes stack traces with absolute paths and source lines into every node (PyTorch pull request 155816) and
IR version 10 whatever the opset; ONNX Runtime 1.16 reads IR version 9 at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgekit_targets.extras import require

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

IR_VERSION = 8
PREFIX = "edgekit."
_DOMAINS = ("", "com.microsoft")


def clean(model: ModelProto) -> ModelProto:
    """A copy of ``model`` without metadata, doc strings and value infos, at IR version 8.

    Raises:
        ValueError: the model needs domains, functions or external data that a portable artifact must not have.
    """
    onnx = require("onnx")
    if model.functions:
        raise ValueError(f"the graph holds functions: {sorted(function.name for function in model.functions)}")
    result: ModelProto = onnx.ModelProto(ir_version=IR_VERSION, producer_name="edgekit")
    result.graph.CopyFrom(model.graph)
    result.graph.name = "edgekit"
    _strip(result.graph)
    used = sorted(_domains(result.graph))
    if unknown := [domain for domain in used if domain not in _DOMAINS]:
        raise ValueError(f"the graph uses operators of the domains {unknown}; a portable artifact cannot")
    versions = {_domain(entry.domain): entry.version for entry in model.opset_import}
    for domain in used:
        result.opset_import.add(domain=domain, version=versions[domain])
    return result


def stamp(model: ModelProto, facts: Mapping[str, str]) -> ModelProto:
    """A copy of ``model`` with ``facts`` as its ``edgekit.*`` metadata, sorted by key; earlier metadata goes."""
    result = type(model)()
    result.CopyFrom(model)
    del result.metadata_props[:]
    for key in sorted(facts):
        result.metadata_props.add(key=PREFIX + key, value=facts[key])
    return result


def serialise(model: ModelProto) -> bytes:
    """The bytes of the artifact: equal for equal models (protobuf's deterministic mode sorts map entries)."""
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _strip(graph: GraphProto) -> None:
    graph.doc_string = ""
    del graph.metadata_props[:]
    # Inferred shapes are hints; the exporter's may hold example sizes, and every reader infers its own.
    del graph.value_info[:]
    del graph.quantization_annotation[:]
    for value in (*graph.input, *graph.output):
        value.doc_string = ""
        del value.metadata_props[:]
    for tensor in graph.initializer:
        tensor.doc_string = ""
        del tensor.metadata_props[:]
        if tensor.external_data:
            raise ValueError(f"the tensor {tensor.name} lies outside the file; a portable artifact is one file")
    for node in graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
        for attribute in node.attribute:
            attribute.doc_string = ""
            for inner in (attribute.g, *attribute.graphs) if attribute.type in (5, 10) else ():
                _strip(inner)


def _domains(graph: GraphProto) -> set[str]:
    return {_domain(node.domain) for node in graph.node}


def _domain(name: str) -> str:
    """The standard domain has two spellings."""
    return "" if name == "ai.onnx" else name
