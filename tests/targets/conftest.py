"""Tiny models for the device room's tests, and a way to ask for them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_targets.agent.protocol import Open

UNITS = 8
FEATURES = 6


def _save(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: dict[str, Any]) -> Path:
    import onnx
    from onnx import helper, numpy_helper

    graph = helper.make_graph(
        nodes, path.stem, inputs, outputs, [numpy_helper.from_array(value, name) for name, value in weights.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="session")
def matmul(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """y = x @ W + b for x of shape (batch, 6); W[i, j] = i + j, b = 1."""
    from onnx import TensorProto, helper

    return _save(
        tmp_path_factory.mktemp("models") / "matmul.onnx",
        [helper.make_node("MatMul", ["x", "W"], ["xw"]), helper.make_node("Add", ["xw", "b"], ["y"])],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", FEATURES])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])],
        {"W": np.add.outer(np.arange(FEATURES), np.arange(4)).astype(np.float32), "b": np.ones(4, np.float32)},
    )


@pytest.fixture(scope="session")
def lstm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One LSTM layer over x of shape (batch, length, 6); y is its last hidden state."""
    from onnx import TensorProto, helper

    source = np.random.default_rng(0)
    return _save(
        tmp_path_factory.mktemp("models") / "lstm.onnx",
        [
            helper.make_node("Transpose", ["x"], ["steps"], perm=[1, 0, 2]),
            helper.make_node("LSTM", ["steps", "W", "R"], ["", "y"], hidden_size=UNITS),
        ],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "length", FEATURES])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "batch", UNITS])],
        {
            "W": source.normal(size=(1, 4 * UNITS, FEATURES)).astype(np.float32) / 4,
            "R": source.normal(size=(1, 4 * UNITS, UNITS)).astype(np.float32) / 4,
        },
    )


@pytest.fixture
def asking() -> Callable[..., Open]:
    """Build a request to open a file with its right hash."""

    def ask(path: Path, target: str = "cpu", **changes: Any) -> Open:
        settings: dict[str, Any] = {
            "handle": "one",
            "file": str(path),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "0" * 64,
            "target": target,
            "inputs": {"x": (1, FEATURES)},
        }
        return Open(**(settings | changes))

    return ask


@pytest.fixture
def golden(tmp_path: Path) -> Callable[..., Path]:
    """Write golden samples of the matmul model whose outputs are off by ``error`` in one place."""

    def write(samples: int = 8, error: float = 0.0, **more: Any) -> Path:
        x = np.random.default_rng(1).normal(size=(samples, FEATURES)).astype(np.float32)
        y = x @ np.add.outer(np.arange(FEATURES), np.arange(4)).astype(np.float32) + np.float32(1)
        y[samples // 2, 2] += error
        path = tmp_path / "golden.npz"
        arrays: dict[str, Any] = {"input.x": x, "output.y": y, **more}
        np.savez(path, **arrays)
        return path

    return write


@pytest.fixture(scope="session")
def hungry(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Make a small file that needs so many MiB at once while it runs: x is spread over many rows; y is the greatest."""
    from onnx import TensorProto, helper

    folder = tmp_path_factory.mktemp("models")

    def make(mib: int) -> Path:
        return _save(
            folder / f"hungry-{mib}.onnx",
            [
                helper.make_node("Expand", ["x", "shape"], ["spread"]),
                helper.make_node("ReduceMax", ["spread"], ["y"], keepdims=0),
            ],
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, FEATURES])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])],
            {"shape": np.array([mib * 2**20 // (4 * FEATURES), FEATURES], np.int64)},
        )

    return make
