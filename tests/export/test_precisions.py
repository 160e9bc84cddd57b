"""Every precision through the whole of ``export``: same bytes twice, old runtimes, crashes, a full disk."""

from __future__ import annotations

import errno
import itertools
import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit_export.exporting import ExportRequest, export
from edgekit_export.quantize.weights import PAIR_LIMIT
from edgekit_targets.agent.golden import check
from edgekit_targets.bundle import golden_path, read_manifest
from edgekit_targets.errors import AgentFailed, CheckFailed, InputError
from edgekit_targets.progress import silent
from edgekit_targets.runtimes import find as find_target
from edgekit_targets.types.manifest import PRECISIONS, Manifest
from edgekit_targets.types.session import SessionOptions

# Just above the least number of weights for int8-weight and int4-weight.
SIZES = {"transformer.dim": "128", "transformer.ff": "256", "transformer.layers": "2", "lstm.hidden": "16"}
MODES = ("window", "stream")
LEFT_FLOAT = {
    f"lstm-{mode}-{name}-portable-plain" for mode in MODES for name in ("int8-static", "int8-weight", "int4-weight")
}
OLD_RUNTIMES = {"1.16": "1.16.3", "1.17": "1.17.3", "1.19": "1.19.2"}
"""What stands for a stated ``min_onnxruntime``."""
_EXPORT = """
import json, sys
from pathlib import Path
from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.progress import silent
asked = {name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(sys.argv[2]).items()}
export(ExportRequest(out=Path(sys.argv[1]), attention=True, **asked), silent)
"""
# Nothing of edgekit: what the manifest says is enough to run a file.
_OLD = """
import json, os, sys
import numpy, onnxruntime
folder = sys.argv[1]
with open(os.path.join(folder, "manifest.json")) as file:
    artifacts = {one["id"]: one for one in json.load(file)["artifacts"]}
found = {}
for name in sys.argv[2:]:
    one = artifacts[name]
    with numpy.load(os.path.join(folder, "golden", name + ".npz")) as arrays:
        x, wanted = arrays["input.x"], arrays["output.logits"]
    try:
        session = onnxruntime.InferenceSession(os.path.join(folder, one["file"]), providers=["CPUExecutionProvider"])
    except Exception as error:
        found[name] = str(error)
        continue
    answers = []
    for sample in x:
        if not one["states"]:
            answers.append(session.run(["logits"], {"x": sample[None]})[0][0])
            continue
        held = {
            state["input"]: numpy.full(
                [size if isinstance(size, int) else 1 for size in state["shape"]], state["initial"], state["dtype"]
            )
            for state in one["states"]
        }
        steps = []
        for step in sample:
            logits, *states = session.run(
                ["logits", *(state["output"] for state in one["states"])], {"x": step[None], **held}
            )
            held = {state["input"]: value for state, value in zip(one["states"], states)}
            steps.append(logits[0])
        answers.append(steps)
    assert numpy.shape(answers) == wanted.shape
    found[name] = float(abs(numpy.array(answers) - wanted).max())
print(json.dumps([onnxruntime.__version__, found]))
"""


def exported(out: Path, *, hash_seed: str, **asked: Any) -> Manifest:
    """Export in a process of its own."""
    subprocess.run(
        [sys.executable, "-c", _EXPORT, str(out), json.dumps({"settings": SIZES, **asked})],
        check=True,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
    )
    return read_manifest(out)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    out = tmp_path_factory.mktemp("precisions") / "bundle"
    models = ("lstm", "transformer")
    return out, exported(out, hash_seed="1", models=models, precisions=PRECISIONS, modes=MODES)


@pytest.mark.slow
def test_all_are_written_or_say_why_not(bundle: tuple[Path, Manifest]) -> None:
    ids = {artifact.id for artifact in bundle[1].artifacts}
    asked = {
        f"{family}-{mode}-{name}-portable-plain"
        for family in ("lstm", "transformer")
        for mode in MODES
        for name in PRECISIONS
    }
    assert ids == (asked - LEFT_FLOAT) | {"transformer-window-fp32-portable-attention"}
    assert {line.partition(":")[0] for line in bundle[1].dropped} == LEFT_FLOAT
    assert all("LSTM (2 of 2) stays float" in line for line in bundle[1].dropped)
    for artifact in bundle[1].artifacts:
        assert (artifact.opset, artifact.ir_version) == (18, 8)
        half = {"window": "1.17", "stream": "1.19"}[artifact.mode]
        newer = (artifact.family, artifact.precision) == ("transformer", "fp16")
        assert artifact.min_onnxruntime == (half if newer else "1.16")
        assert artifact.quantized is not None
        full = all(entry.quantized == entry.total for entry in artifact.quantized.values())
        assert full == (artifact.precision not in ("fp32", "fp16"))
        assert (artifact.keep is None) == (artifact.precision == "fp32")
        assert artifact.keep is None or (artifact.keep.verdict, artifact.keep.smaller) == ("keep", True)


@pytest.mark.slow
def test_the_same_bytes_in_another_process_and_every_other_order(bundle: tuple[Path, Manifest], tmp_path: Path) -> None:
    again = exported(
        tmp_path / "again",
        hash_seed="2",
        models=("transformer", "lstm"),
        precisions=PRECISIONS[::-1],
        modes=MODES[::-1],
    )
    first = {artifact.id: artifact for artifact in bundle[1].artifacts}
    assert {artifact.id: artifact.sha256 for artifact in again.artifacts} == {
        name: artifact.sha256 for name, artifact in first.items()
    }
    for name, artifact in first.items():
        golden = golden_path(bundle[0], artifact).read_bytes()
        assert golden_path(tmp_path / "again", artifact).read_bytes() == golden, name


@pytest.mark.slow
@pytest.mark.parametrize("stated", sorted(OLD_RUNTIMES))
def test_the_oldest_runtime_that_is_stated_runs_the_golden_inputs(
    bundle: tuple[Path, Manifest], tmp_path: Path, stated: str
) -> None:
    """In an environment of its own, with the numpy of its time; what states a newer one is refused there or wrong."""
    if sys.version_info[:2] != (3, 11):
        pytest.skip("ONNX Runtime 1.16.3 has no wheel for this Python beyond 3.11")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "old")], check=True)
    python, wanted = str(tmp_path / "old" / "bin" / "python"), OLD_RUNTIMES[stated]
    install = [python, "-m", "pip", "install", "--quiet", f"onnxruntime=={wanted}", "numpy<2"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        assert not os.environ.get("CI"), f"pip cannot get ONNX Runtime {wanted}: {done.stderr}"
        pytest.skip(f"pip cannot get ONNX Runtime {wanted} here")
    out, manifest = bundle
    tried = [artifact for artifact in manifest.artifacts if artifact.min_onnxruntime >= stated]  # type: ignore[operator]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [python, "-c", _OLD, str(out), *(artifact.id for artifact in tried)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    version_there, found = json.loads(ran.stdout)
    assert version_there == wanted
    for artifact in tried:
        assert artifact.parity is not None
        answer = found[artifact.id]
        right = isinstance(answer, float) and answer <= artifact.parity.tolerance
        assert right == (artifact.min_onnxruntime == stated), f"{artifact.id}: {answer}"


@pytest.mark.slow
def test_the_runtime_installed_here_runs_every_file_without_any_setting(bundle: tuple[Path, Manifest]) -> None:
    """As a user would who never heard of edgekit; fp16 too, where a graph of another shape would end the process."""
    out, manifest = bundle
    command = [sys.executable, "-c", _OLD, str(out), *(artifact.id for artifact in manifest.artifacts)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    _, found = json.loads(ran.stdout)
    for artifact in manifest.artifacts:
        assert artifact.parity is not None
        assert found[artifact.id] <= artifact.parity.tolerance, artifact.id


@pytest.mark.slow
def test_openvino_gives_the_golden_answers_too(bundle: tuple[Path, Manifest]) -> None:
    """Every operator that a file is made of is read by both runtimes, ``DynamicQuantizeLSTM`` among them."""
    out, manifest = bundle
    runtime = find_target("openvino")
    runtime.prepare()
    for artifact in manifest.artifacts:
        path = out / artifact.file
        session = runtime.open(path, SessionOptions(), runtime.check(path))
        assert artifact.parity is not None
        found = check(session, golden_path(out, artifact), artifact.parity.tolerance, artifact.states)
        session.close()
        assert found.passed, f"{artifact.id}: {found}"


@pytest.mark.slow
def test_no_pair_of_weights_in_a_portable_file_could_saturate(bundle: tuple[Path, Manifest]) -> None:
    """One operator left at full range, the small head for example, alone brings most of the error back."""
    out, manifest = bundle
    looked = 0
    for artifact in manifest.artifacts:
        if artifact.precision not in ("int8-dynamic", "int8-static"):
            continue
        for tensor in onnx.load(out / artifact.file).graph.initializer:
            if tensor.data_type != tensor.INT8 or len(tensor.dims) < 2 or tensor.name.endswith("_zeros"):
                continue
            matrix = numpy_helper.to_array(tensor).astype(int)
            a, b = matrix[..., 0 : matrix.shape[-2] // 2 * 2 : 2, :], matrix[..., 1::2, :]
            assert np.where(a * b > 0, np.abs(a + b), 0).max() <= PAIR_LIMIT, f"{artifact.id}: {tensor.name}"
            looked += 1
    assert looked > 4 * 8


@pytest.mark.slow
def test_a_device_can_ask_the_file_what_it_is(bundle: tuple[Path, Manifest]) -> None:
    out, manifest = bundle
    for artifact in manifest.artifacts:
        if artifact.precision == "fp16":
            continue  # stamped by the same function, and not to be loaded in this process
        session = onnxruntime.InferenceSession(str(out / artifact.file), providers=["CPUExecutionProvider"])
        said = session.get_modelmeta().custom_metadata_map
        assert said["edgekit.mode"] == artifact.mode
        assert said["edgekit.precision"] == artifact.precision
        assert said["edgekit.variant"] == artifact.variant
        assert ("edgekit.states" in said) == (artifact.mode == "stream")


@pytest.mark.slow
def test_the_attention_is_pytorchs(bundle: tuple[Path, Manifest]) -> None:
    out, manifest = bundle
    (artifact,) = [one for one in manifest.artifacts if one.variant == "attention"]
    assert [tensor.name for tensor in artifact.outputs] == ["logits", "attention"]
    plain = [one for one in manifest.artifacts if one is not artifact and one.mode == "window"]
    assert [tensor.name for one in plain for tensor in one.outputs] == ["logits"] * 9
    assert artifact.parity is not None
    assert artifact.parity.max_abs_error <= 1e-5
    with np.load(golden_path(out, artifact)) as golden:
        x, weights = golden["input.x"], golden["output.attention"]
    assert weights.shape == (8, 2, 4, 25, 25)
    session = onnxruntime.InferenceSession(str(out / artifact.file), providers=["CPUExecutionProvider"])
    (found,) = session.run(["attention"], {"x": x})
    for layer, head in itertools.product(range(2), range(4)):
        np.testing.assert_allclose(found[:, layer, head], weights[:, layer, head], atol=1e-5)
        others = [
            weights[:, one, two] for one, two in itertools.product(range(2), range(4)) if (one, two) != (layer, head)
        ]
        assert min(np.abs(weights[:, layer, head] - other).max() for other in others) > 1e-3, "none stands for another"
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
