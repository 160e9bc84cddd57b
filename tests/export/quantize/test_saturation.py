"""Saturation on real kernels: ONNX Runtime on an emulated Haswell, which has AVX2 and no VNNI.

QEMU's instructions are those of the processor it is told to be, so ONNX Runtime takes the very kernels it takes there.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from edgekit_export.quantize import find
from edgekit_export.quantize.calibration import calibrate
from edgekit_export.quantize.contract import Converted

Floats = NDArray[np.float32]
Graph = Callable[..., onnx.ModelProto]
On = Callable[[str | None], dict[str, Floats]]
RANDOM = np.random.default_rng(0)
AVX2, NEITHER = "Haswell", "Haswell,-avx2,-fma"
KINDS = ("linear-dynamic", "linear-static", "lstm-dynamic")
_RUN = """
import sys, numpy, onnxruntime
folder, out, *names = sys.argv[1:]
inputs, answers = numpy.load(folder + "/inputs.npz"), {}
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
for name in names:
    file = folder + "/" + name + ".onnx"
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    for rows in ("one", "many"):
        answers[name + " " + rows] = session.run(None, {"x": inputs[name.split("-")[0] + "-" + rows]})[0]
numpy.savez(out, **answers)
"""


def uniform(*shape: int) -> Floats:
    """As PyTorch initialises: nothing is small, so many pairs would overflow."""
    return RANDOM.uniform(-1, 1, shape).astype(np.float32)


@pytest.fixture(scope="module")
def emulator() -> str:
    if platform.machine() != "x86_64":
        pytest.skip("the ONNX Runtime installed here has no AVX2 kernels to emulate")
    found = shutil.which("qemu-x86_64-static")
    if found is None:
        assert not os.environ.get("CI"), "qemu is missing; install it with: make system-deps"
        pytest.skip("qemu-x86_64-static is not installed (make system-deps)")
    return found


@pytest.fixture
def on(emulator: str, graph: Graph, run: Any, tmp_path: Path) -> On:
    """The answers of every file by name on a processor; on this one where it is None."""
    odd = 63  # the last row has no partner
    linear = graph(
        [helper.make_node("MatMul", ["x", "a"], ["logits"])],
        {"a": uniform(odd, 32)},
        shape=("batch", odd),
        output=("batch", 32),
    )
    nodes = [helper.make_node("LSTM", ["x", "W", "R"], ["logits"], hidden_size=16)]
    weights = {"W": uniform(1, 64, 24), "R": uniform(1, 64, 16)}
    lstm = graph(nodes, weights, shape=("length", "batch", 24), output=("length", 1, "batch", 16))

    def watched(model: onnx.ModelProto, x: Floats) -> dict[str, NDArray[Any]]:
        import onnxruntime

        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, {"x": x}), strict=True))

    seen = calibrate(linear, RANDOM.uniform(0, 1, (500, odd)).astype(np.float32), watched)
    for name in KINDS:
        source, kind = (linear if name.startswith("linear") else lstm), f"int8-{name.partition('-')[2]}"
        for isa in ("portable", "vnni"):
            made = find(kind).apply(source, isa, seen if kind == "int8-static" else None)
            assert isinstance(made, Converted), made
            onnx.save(made.model, tmp_path / f"{name}-{isa}.onnx")
    inputs = {
        "linear-one": RANDOM.uniform(0, 1, (1, odd)),
        "linear-many": RANDOM.uniform(0, 1, (8, odd)),
        "lstm-one": RANDOM.uniform(0, 2, (9, 1, 24)),
        "lstm-many": RANDOM.uniform(0, 2, (9, 4, 24)),
    }
    np.savez(tmp_path / "inputs.npz", **{name: x.astype(np.float32) for name, x in inputs.items()})  # type: ignore[arg-type]

    def answers(processor: str | None) -> dict[str, Floats]:
        names = [f"{name}-{isa}" for name in KINDS for isa in ("portable", "vnni")]
        command = [sys.executable, "-c", _RUN, str(tmp_path), str(tmp_path / "answers.npz"), *names]
        if processor is not None:
            command = [emulator, "-cpu", processor, *command]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        with np.load(tmp_path / "answers.npz") as arrays:
            return {name: arrays[name] for name in arrays.files}

    return answers


def off(answer: Floats, reference: Floats) -> float:
    return float(np.linalg.norm(answer - reference) / np.linalg.norm(reference))


@pytest.mark.slow
def test_on_avx2_portable_files_answer_as_anywhere_and_full_range_ones_go_wrong(on: On) -> None:
    here, without, there = on(None), on(NEITHER), on(AVX2)
    assert len(there) == 4 * len(KINDS)
    for name, answer in there.items():
        # Without AVX2 the kernels add in 32 bits: what every processor would say if none saturated.
        if "-portable" in name:
            assert off(answer, without[name]) < 1e-5, name
            assert off(here[name], without[name]) < 1e-5, name
        else:
            assert off(answer, without[name]) > 0.03, f"{name}: saturation was not met, so the test above shows nothing"
