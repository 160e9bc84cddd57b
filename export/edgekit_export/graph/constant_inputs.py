"""A file from elsewhere made plainer: inputs that are always the same become constants, and constants are folded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from edgekit_export.graph.walk import every_graph
from edgekit_targets.errors import InputError
from edgekit_targets.extras import require

if TYPE_CHECKING:
    from onnx import ModelProto


_MOST_ELEMENTS: Final = 1 << 26
"""Of a tensor that is folded: the weights of a recurrent layer, not what a hostile ConstantOfShape asks for."""


def parse(content: bytes, path: Path) -> ModelProto:
    """The model in the bytes of an ``.onnx`` file.

    Raises:
        InputError: the bytes are no ONNX model.
        MissingExtra: the onnx package is not installed.
    """
    onnx = require("onnx")
    errors = require("google.protobuf.message")
    try:
        model: ModelProto = onnx.load_from_string(content)
    except errors.DecodeError as error:
        raise InputError(f"{path} is no ONNX file, or only a part of one; export or copy it again") from error
    return model


def with_constants(model: ModelProto, values: Mapping[str, NDArray[np.generic]]) -> ModelProto:
    """A copy of ``model`` in which the inputs that ``values`` names are initializers."""
    from onnx import numpy_helper

    result = type(model)()
    result.CopyFrom(model)
    kept = [value for value in result.graph.input if value.name not in values]
    del result.graph.input[:]
    result.graph.input.extend(kept)
    for name, value in values.items():
        result.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return result


def folded(model: ModelProto) -> ModelProto | None:
    """A copy whose constant parts are computed, branches that a constant decides on included; None if that fails.

    Weights that an exporter routes through Slice and Concat become initializers, which a quantizer finds. Opset and
    IR version stay as they are.
    """
    optimizer = require("onnxscript.optimizer")
    result = type(model)()
    result.CopyFrom(model)
    try:
        optimized: ModelProto = optimizer.optimize(
            result, input_size_limit=_MOST_ELEMENTS, output_size_limit=_MOST_ELEMENTS
        )
    except Exception:  # a foreign graph, and an optimizer without errors of its own
        return None
    if optimized.functions or len(optimized.graph.output) != len(model.graph.output):
        return None
    _prune(optimized)
    _without_later_attributes(optimized)
    onnx = require("onnx")
    try:
        onnx.checker.check_model(optimized)
    except onnx.checker.ValidationError:
        return None
    return optimized


def _without_later_attributes(model: ModelProto) -> None:
    """The optimizer writes ``allowzero``, which Reshape has since opset 14, into older graphs too."""
    if any(entry.domain in ("", "ai.onnx") and entry.version >= 14 for entry in model.opset_import):
        return
    for each in every_graph(model.graph):
        for node in each.node:
            if node.op_type == "Reshape":
                del node.attribute[:]


def _prune(model: ModelProto) -> None:
    """Take out initializers that nothing reads any more."""
    read = {name for each in every_graph(model.graph) for node in each.node for name in node.input}
    read |= {value.name for each in every_graph(model.graph) for value in each.output}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in read]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
