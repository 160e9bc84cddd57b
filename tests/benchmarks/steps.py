"""One step of a stream against running the window again, as the stock export does it; preset ``mid``, one thread.

What people would otherwise use: plain ``torch.nn`` modules of the same sizes by ``torch.onnx.export``, in fp32, run
with ``session.run`` on 100 steps. Ours: the exported stream on bound buffers, in fp32 and in the best precision. Run by
``make bench``; exits 1 when the whole 95 % interval of a ratio lies beyond its bound.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.progress import silent
from edgekit_targets.runtimes import find
from edgekit_targets.types.manifest import Artifact
from edgekit_targets.types.session import SessionOptions
from tests.benchmarks.common import peers
from tests.benchmarks.common.rounds import interleaved, ratio

LENGTH, FEATURES = 100, 64
ROUNDS = 40
BOUNDS = {("lstm", "best"): 0.02, ("transformer", "fp32"): 0.07, ("transformer", "best"): 0.05}
"""The step's share of the window's time."""


class StockLstm(nn.Module):
    """Two layers of 256 and a linear head on the last step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(FEATURES, 256, 2, batch_first=True)
        self.head = nn.Linear(256, 10)

    def forward(self, x: torch.Tensor) -> Any:
        return self.head(self.lstm(x)[0][:, -1])


class StockTransformer(nn.Module):
    """Four encoder layers of width 128, 4 heads and 256 hidden, and a linear head on the last step."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(128, 4, 256, batch_first=True)
        self.embed = nn.Linear(FEATURES, 128)
        self.encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.head = nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> Any:
        return self.head(self.encoder(self.embed(x))[:, -1])


def stock(model: nn.Module, path: Path) -> Callable[[], object]:
    """One window by ``session.run``."""
    x = np.random.default_rng(0).standard_normal((1, LENGTH, FEATURES)).astype(np.float32)
    return peers.by_session_run("stock export", peers.stock_export(model.eval(), x, path), x).run


def step(folder: Path, artifact: Artifact) -> Callable[[], object]:
    """One step on bound buffers, as an application that uses the file well runs it."""
    target = find("cpu")
    target.prepare()
    path = folder / artifact.file
    session = target.open(path, SessionOptions(), target.check(path))
    session.bind({"x": np.random.default_rng(0).normal(size=(1, FEATURES)).astype(np.float32)}, artifact.states)
    return session.run


def main() -> int:
    """Measure in interleaved rounds, print a line each, and say whether the bounds hold."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle"
        manifest = export(
            ExportRequest(
                models=("lstm", "transformer"),
                out=folder,
                preset="mid",
                modes=("stream",),
                precisions=("fp32", "int8-dynamic", "int8-weight"),
            ),
            silent,
        )
        runs: dict[tuple[str, str], Callable[[], object]] = {
            ("lstm", "stock"): stock(StockLstm(), Path(scratch) / "lstm.onnx"),
            ("transformer", "stock"): stock(StockTransformer(), Path(scratch) / "transformer.onnx"),
        }
        for artifact in manifest.artifacts:
            runs[artifact.family, str(artifact.precision)] = step(folder, artifact)
        taken = interleaved(runs, ROUNDS)
    failed = False
    for family in ("lstm", "transformer"):
        windows = taken[family, "stock"]
        ours = {
            precision: times for (name, precision), times in taken.items() if name == family and precision != "stock"
        }
        best = min(ours, key=lambda precision: statistics.median(ours[precision]))
        for precision, times in ours.items():
            found = ratio(times, windows)
            kinds = [kind for kind, holds in ((precision, True), ("best", precision == best)) if holds]
            bounds = [BOUNDS[family, kind] for kind in kinds if (family, kind) in BOUNDS]
            failed |= any(found.low > bound for bound in bounds)
            asked = "".join(f", bound {bound:.0%}" for bound in bounds)
            print(
                f"{family} step {precision} / stock window fp32: {statistics.median(times) * 1e6:.0f} us / "
                f"{statistics.median(windows) * 1e6:.0f} us = {found.value:.2%} "
                f"[{found.low:.2%}, {found.high:.2%}] over {ROUNDS} rounds{asked}"
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
