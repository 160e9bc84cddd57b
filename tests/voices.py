"""Small ``.onnx`` files as published voice detectors are: they carry state, and a sample rate chooses a branch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F = TensorProto.FLOAT
HIDDEN, FEATURES = 16, 6


def lstm_nodes(prefix: str, seed: int, *, hidden_weights: bool = False) -> tuple[list[onnx.NodeProto], list[Any]]:
    """One LSTM step from x, h and c; its weights may come out of a Concat, as exporters write them."""
    generator = np.random.default_rng(seed)
    w, r = (generator.normal(size=(1, 4 * HIDDEN, n), scale=0.3).astype(np.float32) for n in (FEATURES, HIDDEN))
    nodes, names = [], [f"{prefix}w", f"{prefix}r"]
    weights = [numpy_helper.from_array(r, names[1])]
    if hidden_weights:
        weights += [numpy_helper.from_array(part, f"{prefix}w{n}") for n, part in enumerate(np.split(w, 4, axis=1))]
        nodes.append(helper.make_node("Concat", [f"{prefix}w{n}" for n in range(4)], [names[0]], axis=1))
    else:
        weights.append(numpy_helper.from_array(w, names[0]))
    inputs = ["steps", *names, "", "", "h", "c"]
    outputs = ["", f"{prefix}hn", f"{prefix}cn"]
    nodes.append(helper.make_node("LSTM", inputs, outputs, hidden_size=HIDDEN))
    return nodes, weights


def save(path: Path, graph: onnx.GraphProto, opset: int = 16) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def value(name: str, kind: int, shape: tuple[str | int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def voice(path: Path, *, branches: bool = True, hidden_weights: bool = True) -> Path:
    """As published voice detectors are: x, h, c and a sample rate that chooses between two LSTMs."""
    state = (1, "batch", HIDDEN)
    unsqueeze = helper.make_node("Unsqueeze", ["x", "zero"], ["steps"])
    zero = numpy_helper.from_array(np.array([0]), "zero")
    ends = [
        helper.make_node("Squeeze", ["hn", "zero"], ["flat"]),
        helper.make_node("ReduceMean", ["flat"], ["y"], axes=[1], keepdims=1),
    ]
    inputs = [value("x", F, ("batch", FEATURES)), value("h", F, state), value("c", F, state)]
    outputs = [value("y", F, ("batch", 1)), value("hn", F, state), value("cn", F, state)]
    if not branches:
        nodes, weights = lstm_nodes("", 0, hidden_weights=hidden_weights)
        return save(path, helper.make_graph([unsqueeze, *nodes, *ends], "g", inputs, outputs, [zero, *weights]))
    made = {}
    for branch, seed in (("then", 0), ("else", 1)):
        nodes, weights = lstm_nodes(branch, seed, hidden_weights=hidden_weights)
        given_back = [value(f"{branch}hn", F, state), value(f"{branch}cn", F, state)]
        made[f"{branch}_branch"] = helper.make_graph(nodes, branch, [], given_back, weights)
    rate = numpy_helper.from_array(np.array(16000), "rate")
    nodes = [
        unsqueeze,
        helper.make_node("Equal", ["sr", "rate"], ["wide"]),
        helper.make_node("If", ["wide"], ["hn", "cn"], **made),
        *ends,
    ]
    graph = helper.make_graph(nodes, "g", [*inputs, value("sr", TensorProto.INT64, ())], outputs, [zero, rate])
    return save(path, graph)
