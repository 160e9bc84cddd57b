from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgekit_export.families import find
from edgekit_export.families.contract import ModelSpec
from edgekit_export.graph.clean import clean, serialise
from edgekit_export.graph.facts import check, read_facts
from edgekit_export.graph.operators import weighted_operators
from edgekit_export.graph.trace import trace

Run = Callable[[onnx.ModelProto, NDArray[np.float32]], NDArray[np.float32]]
FREE = {0: "batch", 1: "length"}
SHAPES = [(1, 1), (1, 9), (3, 4), (5, 2)]


class Recurrent(nn.Module):
    """An LSTM with a head, read out in one of the ways users do."""

    def __init__(self, lstm: nn.LSTM, readout: str) -> None:
        super().__init__()
        self.lstm, self.readout = lstm, readout
        width = lstm.hidden_size * (2 if lstm.bidirectional else 1)
        self.head = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.lstm.flatten_parameters()
        steps = x if self.lstm.batch_first else x.transpose(0, 1)
        states = None
        if self.readout == "given states":
            layers = self.lstm.num_layers * (2 if self.lstm.bidirectional else 1)
            zeros = torch.zeros(layers, x.shape[0], self.lstm.hidden_size)
            states = (zeros + 0.5, zeros - 0.25)
        y, (h, c) = self.lstm(steps, states)
        if self.readout == "final state":
            y = torch.cat([h[-2], h[-1]], dim=1) if self.lstm.bidirectional else h[-1] + 0 * c[-1]
        else:
            y = y[:, -1] if self.lstm.batch_first else y[-1]
        logits: Tensor = self.head(y)
        return logits


class Attentive(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        logits: Tensor = self.head(self.encoder(x, mask=mask, is_causal=True)[:, -1])
        return logits


def traced(module: nn.Module, features: int = 8) -> onnx.ModelProto:
    return clean(trace(module, torch.zeros(6, 7, features), dynamic=FREE))


def assert_equal_to(module: nn.Module, model: onnx.ModelProto, run: Run, features: int = 8) -> None:
    check(model, dynamic={"x": FREE, "logits": {0: "batch"}})
    for batch, length in SHAPES:
        x = torch.randn(batch, length, features, generator=torch.Generator().manual_seed(batch))
        with torch.inference_mode():
            expected = module.eval()(x).numpy()
        np.testing.assert_allclose(run(model, x.numpy()), expected, atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lstm", "readout"),
    [
        (nn.LSTM(8, 5, 2, batch_first=True), "last step"),
        (nn.LSTM(8, 5), "last step"),
        (nn.LSTM(8, 5, 2, bidirectional=True, bias=False), "last step"),
        (nn.LSTM(8, 5, bidirectional=True, batch_first=True), "final state"),
        (nn.LSTM(8, 5, 2, batch_first=True, dropout=0.5), "given states"),
    ],
    ids=str,
)
def test_an_lstm_is_one_node_a_layer_with_its_weights_as_initializers(lstm: nn.LSTM, readout: str, run: Run) -> None:
    module = Recurrent(lstm, readout)
    model = traced(module)
    nodes = [node for node in model.graph.node if node.op_type == "LSTM"]
    initializers = {tensor.name for tensor in model.graph.initializer}
    assert len(nodes) == lstm.num_layers
    assert all(name in initializers for node in nodes for name in node.input[1:4] if name)
    assert all(len(node.input) > 5 and node.input[5] for node in nodes) == (readout == "given states")
    assert weighted_operators(model)["LSTM"].total == lstm.num_layers
    assert_equal_to(module, model, run)


@pytest.mark.slow
def test_a_transformer_keeps_both_axes_free(run: Run) -> None:
    module = Attentive()
    model = traced(module)
    assert read_facts(model).min_onnxruntime == "1.16"
    assert_equal_to(module, model, run)


class Halves(nn.Module):
    """``chunk`` and ``split``: at opset 17 the exporter writes a ``Split`` that opset 17 does not have."""

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=2)
        c, d, e = torch.split(x, [3, 3, 2], dim=2)
        return torch.cat([a * b, c + d, e], dim=2)[:, -1]


@pytest.mark.slow
def test_chunk_and_split_are_written_for_the_opset_that_is_declared(run: Run) -> None:
    model = traced(Halves())
    splits = [node for node in model.graph.node if node.op_type == "Split"]
    assert [entry.version for entry in model.opset_import] == [18]
    assert splits
    assert_equal_to(Halves(), model, run)


@pytest.mark.slow
def test_the_fast_path_of_the_stock_encoder_leaves_no_mark(run: Run) -> None:
    """In eval mode PyTorch may run one fused operator that has no ONNX form; the graph must not depend on it."""
    sizes = {"dim": 8, "heads": 2, "ff": 16, "layers": 2, "dropout": 0.1}
    module = find("transformer").build(ModelSpec(features=8, classes=3, length=7, settings=sizes)).eval()
    assert not any(isinstance(part, nn.TransformerEncoder) for part in module.modules()), "no nested tensors"
    before = torch.backends.mha.get_fastpath_enabled()
    contents = []
    try:
        for enabled in (True, False):
            torch.backends.mha.set_fastpath_enabled(enabled)
            model = traced(module)
            contents.append(serialise(model))
            assert_equal_to(module, model, run)
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
    assert contents[0] == contents[1]


@pytest.mark.parametrize("shape", [(1, 7, 8), (6, 1, 8), (6, 6, 8)])
def test_an_example_that_would_specialise_the_graph_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="distinct example sizes"):
        trace(nn.Linear(8, 3), torch.zeros(shape), dynamic=FREE)


_SCRIPT = """
import hashlib, sys, torch
from torch import nn
from edgekit_export.graph.clean import clean, serialise, stamp
from edgekit_export.graph.trace import trace
class Last(nn.Module):
    def __init__(self, body, width):
        super().__init__(); self.body = body; self.head = nn.Linear(width, 3)
    def forward(self, x):
        y = self.body(x)
        return self.head((y[0] if isinstance(y, tuple) else y)[:, -1])
def build(name):
    torch.manual_seed(3)
    if name == "lstm":
        return Last(nn.LSTM(8, 5, batch_first=True), 5)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return Last(nn.TransformerEncoder(layer, 1, enable_nested_tensor=False), 8)
for name in sys.argv[1:]:
    model = clean(trace(build(name), torch.zeros(6, 7, 8), dynamic={0: "batch", 1: "length"}))
    print(name, hashlib.sha256(serialise(stamp(model, {"family": name}))).hexdigest())
"""


@pytest.mark.slow
def test_bytes_are_the_same_in_every_process_and_order() -> None:
    def digests(*order: str, seed: str) -> set[str]:
        # Leading blank lines move every source line: the exporter's stack traces must leave no mark.
        script = "\n" * int(seed) + _SCRIPT
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script, *order],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        return set(done.stdout.split("\n")) - {""}

    first = digests("lstm", "transformer", "lstm", seed="1")
    assert first == digests("transformer", "lstm", seed="2")
    assert len(first) == 2


@pytest.mark.slow
def test_nothing_of_the_authors_machine_is_inside() -> None:
    content = serialise(traced(Recurrent(nn.LSTM(8, 5, batch_first=True), "last step")))
    for mark in (b"test_trace", b"/site-packages", b"stack_trace", b"pytorch", b"Recurrent", b"pkg.torch"):
        assert mark not in content
