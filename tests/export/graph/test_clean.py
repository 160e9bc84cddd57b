from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import helper

from edgekit_export.graph.clean import clean, serialise, stamp

Graph = Callable[..., onnx.ModelProto]
SECRET = "/home/someone/model.py"


def dirty(graph: Graph) -> onnx.ModelProto:
    node = helper.make_node("MatMul", ["x", "w"], ["logits"], doc_string=SECRET)
    node.metadata_props.add(key="pkg.torch.onnx.stack_trace", value=SECRET)
    model = graph([node], {"w": np.ones((4, 2), np.float32)}, output=("batch", 2))
    model.ir_version = 10
    model.doc_string = model.graph.doc_string = model.producer_version = SECRET
    model.graph.initializer[0].doc_string = model.graph.input[0].doc_string = SECRET
    model.graph.value_info.append(helper.make_tensor_value_info("gone", 1, [5, 7]))
    model.metadata_props.add(key="path", value=SECRET)
    return model


def test_everything_that_is_not_the_graph_goes(graph: Graph) -> None:
    model = dirty(graph)
    before = model.SerializeToString()
    result = clean(model)
    assert SECRET.encode() not in serialise(result)
    assert result.ir_version == 8
    assert [(entry.domain, entry.version) for entry in result.opset_import] == [("", 18)]
    assert not result.graph.value_info
    onnx.checker.check_model(result, full_check=True)
    assert model.SerializeToString() == before


def test_a_domain_that_is_not_portable_is_refused(graph: Graph) -> None:
    model = graph([helper.make_node("Magic", ["x"], ["logits"], domain="ai.someone")], {})
    with pytest.raises(ValueError, match=r"ai\.someone"):
        clean(model)


def test_weights_outside_the_file_are_refused(graph: Graph) -> None:
    model = dirty(graph)
    model.graph.initializer[0].external_data.add(key="location", value="weights.bin")
    with pytest.raises(ValueError, match="outside the file"):
        clean(model)


def test_stamp_sorts_and_replaces(graph: Graph) -> None:
    model = clean(dirty(graph))
    first = stamp(stamp(model, {"old": "1"}), {"family": "lstm", "isa": "portable"})
    second = stamp(model, {"isa": "portable", "family": "lstm"})
    assert serialise(first) == serialise(second)
    assert [entry.key for entry in first.metadata_props] == ["edgekit.family", "edgekit.isa"]
    assert not model.metadata_props
