from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def one_node(tmp_path: Path) -> Callable[[str], Path]:
    """Write a model of one MatMul with free batch and length."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def write(name: str) -> Path:
        weights = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])],
            "one",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "time", 6])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "time", 4])],
            [numpy_helper.from_array(weights, "w")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        onnx.save(model, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test in a folder of its own, which is a repository: no edgekit.toml from elsewhere."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    return tmp_path
