"""Bundles to explain: a text pair trained here, and a file made by hand whose answer is known to rest on one step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.progress import silent

SMALL = {
    "epochs": "20",
    "learning_rate": "0.01",
    "lstm.hidden": "24",
    "lstm.layers": "1",
    "transformer.dim": "24",
    "transformer.heads": "2",
    "transformer.ff": "24",
    "transformer.layers": "2",
    "transformer.window": "8",
}
DECIDING = 2
STEPS = 6


@pytest.fixture(scope="session")
def agent() -> Iterator[LocalAgent]:
    with LocalAgent() as agent:
        yield agent


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Weights are trained by the code under test, and only once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def text_bundle(tmp_path_factory: pytest.TempPathFactory, cache: None) -> Path:
    """Both families on ``text:remarks``, with the Transformer's attention, fp32."""
    out = tmp_path_factory.mktemp("text") / "bundle"
    export(
        ExportRequest(
            models=("lstm", "transformer"),
            out=out,
            data="text:remarks",
            settings=SMALL,
            precisions=("fp32",),
            attention=True,
        ),
        silent,
    )
    return out


@pytest.fixture(scope="session")
def stream_bundle(tmp_path_factory: pytest.TempPathFactory, text_bundle: Path) -> Path:
    """The same LSTM as a stream; after the other bundle, whose weights it takes from the cache."""
    out = tmp_path_factory.mktemp("stream") / "bundle"
    request = ExportRequest(
        models=("lstm",), out=out, data="text:remarks", settings=SMALL, precisions=("fp32",), modes=("stream",)
    )
    export(request, silent)
    return out


def hand_made(path: Path) -> Path:
    """``x`` [batch, length, 2] to two logits that follow from the first feature of one step alone."""
    weights = {"step": np.array(DECIDING), "w": np.array([[2.0, -2.0], [0.0, 0.0]], dtype=np.float32)}
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["x", "step"], ["one"], axis=1),
            helper.make_node("MatMul", ["one", "w"], ["logits"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("batch", "length", 2))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ("batch", 2))],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(onnx.ModelProto.SerializeToString(model))
    return path


@pytest.fixture(scope="session")
def hand_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the file made by hand."""
    folder = tmp_path_factory.mktemp("hand")
    request = ExportRequest(
        models=(str(hand_made(folder / "hand.onnx")),),
        out=folder / "bundle",
        shapes={"x": (1, STEPS, 2)},
        precisions=("fp32",),
    )
    export(request, silent)
    return folder / "bundle"
