"""Every precision through the whole of ``export``: same bytes twice, old runtimes, crashes, a full disk."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.bundle import golden_path, read_manifest
from edgekit_targets.errors import AgentFailed, CheckFailed, InputError
from edgekit_targets.progress import silent
from edgekit_targets.types.manifest import PRECISIONS, Manifest

# Just above the least number of weights for int8-weight and int4-weight.
SIZES = {"transformer.dim": "128", "transformer.ff": "256", "transformer.layers": "2", "lstm.hidden": "16"}
LEFT_FLOAT = {f"lstm-window-{name}-portable-plain" for name in ("int8-static", "int8-weight", "int4-weight")}
_EXPORT = """
import sys
from pathlib import Path
from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.progress import silent
out, sizes, precisions, *models = sys.argv[1:]
settings = dict(pair.split("=") for pair in sizes.split(","))
request = ExportRequest(
    models=tuple(models), out=Path(out), settings=settings, precisions=tuple(precisions.split(",")), attention=True
)
export(request, silent)
"""
_OLD = """
import sys, json, numpy, onnxruntime
version, worst = onnxruntime.__version__, {}
for file, golden in zip(sys.argv[1::2], sys.argv[2::2]):
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    with numpy.load(golden) as arrays:
        x, wanted = arrays["input.x"], arrays["output.logits"]
    got = numpy.concatenate([session.run(["logits"], {"x": x[i : i + 1]})[0] for i in range(len(x))])
    worst[file] = float(abs(got - wanted).max())
print(json.dumps([version, worst]))
"""


def exported(out: Path, precisions: tuple[str, ...], *models: str) -> Manifest:
    """Export in a process of its own."""
    sizes = ",".join(f"{key}={value}" for key, value in SIZES.items())
    subprocess.run([sys.executable, "-c", _EXPORT, str(out), sizes, ",".join(precisions), *models], check=True)
    return read_manifest(out)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    out = tmp_path_factory.mktemp("precisions") / "bundle"
    return out, exported(out, PRECISIONS, "lstm", "transformer")


@pytest.mark.slow
def test_all_are_written_or_say_why_not(bundle: tuple[Path, Manifest]) -> None:
    ids = {artifact.id for artifact in bundle[1].artifacts}
    both = {f"{family}-window-{name}-portable-plain" for family in ("lstm", "transformer") for name in PRECISIONS}
    assert ids == (both - LEFT_FLOAT) | {"transformer-window-fp32-portable-attention"}
    assert {line.partition(":")[0] for line in bundle[1].dropped} == LEFT_FLOAT
    assert all("LSTM (2 of 2) stays float" in line for line in bundle[1].dropped)
    for artifact in bundle[1].artifacts:
        assert (artifact.opset, artifact.ir_version) == (18, 8)
        # In float16 1.16 has no LayerNormalization; 1.17 was tried.
        half_norm = (artifact.family, artifact.precision) == ("transformer", "fp16")
        assert artifact.min_onnxruntime == ("1.17" if half_norm else "1.16")
        assert artifact.quantized is not None
        full = all(entry.quantized == entry.total for entry in artifact.quantized.values())
        assert full == (artifact.precision not in ("fp32", "fp16"))
        assert (artifact.keep is None) == (artifact.precision == "fp32")
        assert artifact.keep is None or (artifact.keep.verdict, artifact.keep.smaller) == ("keep", True)


@pytest.mark.slow
def test_the_same_bytes_in_another_process_and_the_other_order(bundle: tuple[Path, Manifest], tmp_path: Path) -> None:
    again = exported(tmp_path / "again", PRECISIONS[::-1], "transformer", "lstm")
    assert {a.id: a.sha256 for a in again.artifacts} == {a.id: a.sha256 for a in bundle[1].artifacts}


@pytest.mark.slow
def test_onnxruntime_1_16_3_runs_the_golden_inputs(bundle: tuple[Path, Manifest], tmp_path: Path) -> None:
    """In an environment of its own: the first version that edgekit promises, with the numpy of its time."""
    if sys.version_info[:2] != (3, 11):
        pytest.skip("ONNX Runtime 1.16.3 has no wheel for this Python beyond 3.11")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "old")], check=True)
    python = str(tmp_path / "old" / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "onnxruntime==1.16.3", "numpy<2"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        assert not os.environ.get("CI"), done.stderr
        pytest.skip("pip cannot get ONNX Runtime 1.16.3 here")
    out, manifest = bundle
    tried = [artifact for artifact in manifest.artifacts if artifact.min_onnxruntime == "1.16"]
    pairs = [str(path) for one in tried for path in (out / one.file, golden_path(out, one))]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    ran = subprocess.run([python, "-c", _OLD, *pairs], capture_output=True, text=True, check=True, env=environment)
    found, worst = json.loads(ran.stdout)
    assert found == "1.16.3"
    assert {one.precision for one in tried} == set(PRECISIONS)
    for one in tried:
        assert one.parity is not None
        assert worst[str(out / one.file)] <= one.parity.tolerance, one.id


@pytest.mark.slow
def test_the_attention_is_pytorchs(bundle: tuple[Path, Manifest]) -> None:
    out, manifest = bundle
    (artifact,) = [one for one in manifest.artifacts if one.variant == "attention"]
    assert [tensor.name for tensor in artifact.outputs] == ["logits", "attention"]
    assert [tensor.name for one in manifest.artifacts if one is not artifact for tensor in one.outputs] == [
        "logits"
    ] * 9
    assert artifact.parity is not None
    assert artifact.parity.max_abs_error <= 1e-5
    with np.load(golden_path(out, artifact)) as golden:
        weights = golden["output.attention"]
    assert weights.shape == (8, 2, 4, 25, 25)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    assert not np.triu(weights, 1).any(), "nothing is taken from the future"


def crashing(path: Path) -> Path:
    """An fp16 LSTM with Transpose and MatMul behind it: loading it ends ONNX Runtime 1.32 (onnxruntime#32405)."""
    held = {
        name: np.full(shape, 0.1, np.float16)
        for name, shape in {"W": (1, 64, 4), "R": (1, 64, 16), "w": (16, 3)}.items()
    }
    nodes = [
        helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("LSTM", ["half", "W", "R"], ["y"], hidden_size=16),
        helper.make_node("Squeeze", ["y", "axis"], ["steps"]),
        helper.make_node("Transpose", ["steps"], ["turned"], perm=[1, 0, 2]),
        helper.make_node("MatMul", ["turned", "w"], ["m"]),
        helper.make_node("Cast", ["m"], ["logits"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["length", "batch", 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "length", 3])],
        [numpy_helper.from_array(array, name) for name, array in (held | {"axis": np.array([1])}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.slow
def test_the_fp16_lstm_that_crashes_onnxruntime_loads_here(tmp_path: Path) -> None:
    file = crashing(tmp_path / "half.onnx")
    raw = f"import onnxruntime; onnxruntime.InferenceSession({str(file)!r}, providers=['CPUExecutionProvider'])"
    crashed = subprocess.run([sys.executable, "-c", raw], check=False).returncode
    if version("onnxruntime").startswith("1.32."):
        assert crashed == -signal.SIGSEGV, "the trap is gone: is the optimizer still to be disabled?"
    manifest = export(ExportRequest(models=(str(file),), out=tmp_path / "out"), silent)
    assert [artifact.precision for artifact in manifest.artifacts] == ["fp16"]


@pytest.mark.slow
@pytest.mark.skipif(not version("onnxruntime").startswith("1.32."), reason="only ONNX Runtime 1.32 is known to crash")
def test_a_runtime_that_crashes_while_loading_becomes_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The crash is real: the optimizer is back that edgekit takes away from ONNX Runtime."""
    (tmp_path / "sitecustomize.py").write_text(
        "import edgekit_targets.runtimes.ort_session as session\nsession._CRASHING_OPTIMIZERS = 'none'\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    file = crashing(tmp_path / "half.onnx")
    with pytest.raises(AgentFailed, match=r"^half\.onnx: the process that ran half\.onnx on cpu .*SIGSEGV"):
        export(ExportRequest(models=(str(file),), out=tmp_path / "out"), silent)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("after", [2, 3])
def test_a_full_disk_in_the_middle_ends_it_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    calls: list[int] = []
    real = os.fsync

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        export(ExportRequest(models=("linear",), out=tmp_path / "out"), silent)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_where_nothing_can_be_written_the_check_has_failed(tmp_path: Path) -> None:
    request = ExportRequest(models=("lstm",), out=tmp_path / "out", precisions=("int8-static",), settings=SIZES)
    with pytest.raises(CheckFailed, match=r"no artifact could be written: lstm-window-int8-static.*stays float"):
        export(request, silent)


@pytest.mark.parametrize(("models", "precisions"), [(("lstm",), ("fp32",)), (("transformer",), ("int8-dynamic",))])
def test_attention_needs_the_transformer_in_fp32(
    tmp_path: Path, models: tuple[str, ...], precisions: tuple[str, ...]
) -> None:
    request = ExportRequest(models=models, out=tmp_path / "out", precisions=precisions, attention=True)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="--attention is an fp32 window file of the transformer"):
        export(request, silent)
