"""Ours against what people would otherwise use: the same module with the same weights, one thread, batch 1.

For presets seed (length 10 and 100), mid (100) and 10m (64), both families: PyTorch eager and compiled, the stock
export with and without ``quantize_dynamic``, OpenVINO on the stock export, and ours in fp32, int8-dynamic and
int8-static on ONNX Runtime and OpenVINO, loaded as ``edgekit profile`` loads it. All of a row take turns in every
round.

``make bench`` runs every row; ``python -m tests.benchmarks.speed seed-10-lstm mid-100-transformer`` runs these. Each
row replaces its part of ``speed.md`` beside this file and of README's table of speeds; ``--quote`` measures nothing and
makes that table anew. Exits 1 when the whole 95 % interval of a ratio lies beyond its
bound:

- ours, at its fastest, within 1.03 of the best of the others whose error is no worse, in every row;
- int8-dynamic LSTM of mid and 10m at least 2.8 times faster and 3.5 times smaller than our fp32.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
import tempfile
import warnings
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import torch

from edgekit.profiling.plan import DEFAULT_SETTINGS
from edgekit_export.exporting import ExportRequest, export
from edgekit_export.prepare import prepare
from edgekit_targets.hardware.describe import describe
from edgekit_targets.progress import silent
from edgekit_targets.runtimes import find
from edgekit_targets.types.manifest import Artifact, Precision
from tests.benchmarks.common import peers
from tests.benchmarks.common.peers import Floats, Way
from tests.benchmarks.common.rounds import interleaved, ratio
from tests.benchmarks.common.speed_page import README, ROWS, TABLE, Line, table, title_of, with_quoted, write

PRECISIONS: tuple[Precision, ...] = ("fp32", "int8-dynamic", "int8-static")
TARGETS = ("cpu", "openvino")
ROUNDS = 25
HELD_OUT = 32
NO_WORSE = 1.03
LSTM_FASTER, LSTM_SMALLER = 2.8, 3.5
EXACT = 1e-6
"""Below this relative error two fp32 outputs are equally right: they differ in the order of their sums."""


def measure(preset: str, length: int, family: str, folder: Path) -> list[Line]:
    """Time every way of one row in interleaved rounds and weigh its output against PyTorch's."""
    prepared = prepare(family, preset=preset, settings={}, dataset=None, checkpoint=None, seed=0, progress=silent)
    module, features = prepared.module.eval(), prepared.spec.features
    drawn = np.random.default_rng(1).standard_normal((HELD_OUT, length, features)).astype(np.float32)
    x = drawn[:1]
    stock = peers.stock_export(module, x, folder / "stock.onnx")
    ways = [
        peers.by_session_run("stock export", stock, x),
        peers.by_session_run("stock export, quantize_dynamic", peers.stock_int8(stock, folder / "int8.onnx"), x),
        peers.by_openvino("OpenVINO on the stock export", stock, x),
        peers.eager(module, x),
        peers.compiled(module, x),
    ]
    bundle = folder / "bundle"
    manifest = export(ExportRequest(models=(family,), out=bundle, preset=preset, precisions=PRECISIONS), silent)
    others = len(ways)
    ways += [_ours(bundle, artifact, target, x) for artifact in manifest.artifacts for target in TARGETS]
    reference = np.concatenate([ways[3].answer(one) for one in np.split(drawn, HELD_OUT)])
    taken = interleaved({way.name: way.run for way in ways}, ROUNDS)
    return [
        Line(
            way=way,
            ours=index >= others,
            seconds=taken[way.name],
            error=_error(way, drawn, reference),
            against=ratio(taken[way.name], taken["stock export"]),
        )
        for index, way in enumerate(ways)
    ]


def _ours(bundle: Path, artifact: Artifact, name: str, x: Floats) -> Way:
    """An artifact on bound buffers, as ``edgekit profile`` runs it."""
    target = find(name)
    target.prepare()
    path = bundle / artifact.file
    session = target.open(path, DEFAULT_SETTINGS, target.check(path), {"x": x.shape})
    assert session.facts.shapes == "fixed", session.facts
    session.bind({"x": x.copy()})

    def answer(given: Floats) -> Floats:
        session.write({"x": given})
        session.run()
        return session.read()["logits"]

    counts = (artifact.quantized or {}).values()
    return Way(
        name=f"edgekit {artifact.precision} {name}",
        run=session.run,
        answer=answer,
        size_bytes=artifact.size_bytes,
        quantized=f"{sum(one.quantized for one in counts)} of {sum(one.total for one in counts)}",
    )


def _error(way: Way, drawn: Floats, reference: Floats) -> float:
    answers = np.concatenate([way.answer(one) for one in np.split(drawn, len(drawn))])
    return float(np.linalg.norm(answers - reference) / np.linalg.norm(reference))


def judged(title: str, lines: Sequence[Line]) -> tuple[list[str], list[str]]:
    """How ours stands to the best of the others, a sentence a bound, and those that lie wholly beyond it."""
    ours = min((line for line in lines if line.ours), key=lambda line: line.median)
    best = min(
        (line for line in lines if not line.ours and line.error <= max(ours.error, EXACT)), key=lambda line: line.median
    )
    found = ratio(ours.seconds, best.seconds)
    told = [f"{ours.way.name} / {best.way.name} = {found}, bound {NO_WORSE}"]
    missed = [f"{title}: {told[-1]}"] if found.low > NO_WORSE else []
    if title.startswith(("mid", "10m")) and title.endswith("lstm"):
        fp32, int8 = (
            next(one for one in lines if one.way.name == f"edgekit {p} cpu") for p in ("fp32", "int8-dynamic")
        )
        faster = ratio(fp32.seconds, int8.seconds)
        smaller = (fp32.way.size_bytes or 0) / (int8.way.size_bytes or 1)
        told.append(f"int8 is {faster} times faster than fp32 (bound {LSTM_FASTER})")
        if faster.high < LSTM_FASTER:
            missed.append(f"{title}: {told[-1]}")
        told.append(f"int8 is {smaller:.2f} times smaller than fp32 (bound {LSTM_SMALLER})")
        if smaller < LSTM_SMALLER:
            missed.append(f"{title}: {told[-1]}")
    return told, missed


def _where() -> str:
    device = describe()
    packages = ("onnxruntime", "openvino", "torch")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    isa = "+".join(device.isa) or "no extension"
    load = os.getloadavg()[0]
    return f"{date.today()}, {device.cpu}, {device.cores} cores, {isa}, load average {load:.1f} afterwards; {versions}"


def main(names: Sequence[str]) -> int:
    """Measure the rows of these ``names`` (none: all), put them into the page, and say whether the bounds hold."""
    if list(names) == ["--quote"]:
        README.write_text(with_quoted(README.read_text(), TABLE.read_text()))
        return 0
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        print(f"no row is called {', '.join(unknown)}; choose from {', '.join(ROWS)}", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    missed: list[str] = []
    for name in names or ROWS:
        row = ROWS[name]
        title = title_of(*row)
        with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lines = measure(*row, Path(scratch))
        told, beyond = judged(title, lines)
        missed += beyond
        for sentence in told:
            print(f"{title}: {sentence}", flush=True)
        write(title, table(title, lines, told, _where()))
    for line in missed:
        print(f"missed: {line}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
