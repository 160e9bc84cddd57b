from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgekit_export import exporting
from edgekit_export.exporting import ExportRequest, export
from edgekit_export.quantize.fp32 import Fp32
from edgekit_export.quantize.int8_dynamic import Int8Dynamic
from edgekit_targets.bundle import artifact_path, golden_path, read_manifest
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.progress import silent
from edgekit_targets.types.manifest import Artifact, Manifest, Quantized

SMALL = {
    "lstm.hidden": "8",
    "lstm.layers": "2",
    "transformer.dim": "16",
    "transformer.heads": "2",
    "transformer.ff": "16",
    "transformer.layers": "1",
    "conv.channels": "4",
    "epochs": "2",
}


def request(out: Path, *models: str, **changes: Any) -> ExportRequest:
    return replace(ExportRequest(models=models, out=out, settings=SMALL), **changes)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """All families, both precisions, random weights."""
    out = tmp_path_factory.mktemp("export") / "bundle"
    stages: list[tuple[str, float, float]] = []
    manifest = export(request(out, baselines=True, seed=3), lambda *stage: stages.append(stage))
    assert ("export lstm", 3, 3) in stages
    return out, manifest


def by_id(manifest: Manifest) -> dict[str, Artifact]:
    return {artifact.id: artifact for artifact in manifest.artifacts}


@pytest.mark.slow
def test_the_bundle_is_whole_and_reads_back(bundle: tuple[Path, Manifest]) -> None:
    out, manifest = bundle
    assert read_manifest(out) == manifest
    assert set(by_id(manifest)) == {
        "lstm-window-fp32-portable-plain",
        "lstm-window-int8-dynamic-portable-plain",
        "transformer-window-fp32-portable-plain",
        "transformer-window-int8-dynamic-portable-plain",
        "linear-window-fp32-portable-plain",
        "linear-window-int8-dynamic-portable-plain",
        "conv-window-fp32-portable-plain",
    }
    (dropped,) = manifest.dropped
    assert dropped.startswith("conv-window-int8-dynamic-portable-plain: Conv (")
    assert sorted(path.name for path in out.glob("*.onnx")) == sorted(artifact.file for artifact in manifest.artifacts)
    assert {path.name for path in out.iterdir() if path.suffix != ".onnx"} == {"manifest.json", "golden"}, (
        "one file each: no external data"
    )
    assert {path.name for path in out.parent.iterdir()} == {"bundle"}, "no temporary folder stays"


@pytest.mark.slow
def test_every_artifact_is_portable_and_verified(bundle: tuple[Path, Manifest]) -> None:
    out, manifest = bundle
    for artifact in manifest.artifacts:
        model = onnx.load(artifact_path(out, artifact))
        onnx.checker.check_model(model, full_check=True)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        assert metadata["edgekit.family"] == artifact.family
        assert metadata["edgekit.precision"] == artifact.precision
        assert (artifact.opset, artifact.ir_version, artifact.min_onnxruntime) == (18, 8, "1.16")
        assert artifact.inputs[0].shape == ("batch", 25 if artifact.family == "linear" else "length", 12)
        assert artifact.outputs[0].shape == ("batch", 9)
        assert artifact.parity is not None
        assert artifact.parity.max_abs_error <= artifact.parity.tolerance
        assert len(set(artifact.parity.points)) >= 5
        assert artifact.parity.relative_error < (1e-5 if artifact.precision == "fp32" else 0.025)
        assert (artifact.weights, artifact.accuracy, artifact.example) == ("random", None, (1, 25))
        with np.load(golden_path(out, artifact)) as golden:
            assert golden["input.x"].shape == (8, 25, 12)
            assert golden["output.logits"].shape == (8, 9)


@pytest.mark.slow
def test_what_was_quantized_is_counted(bundle: tuple[Path, Manifest]) -> None:
    artifacts = by_id(bundle[1])
    lstm = artifacts["lstm-window-int8-dynamic-portable-plain"]
    assert lstm.quantized == {"Gemm": Quantized(quantized=1, total=1), "LSTM": Quantized(quantized=2, total=2)}
    assert lstm.size_bytes < artifacts["lstm-window-fp32-portable-plain"].size_bytes
    kinds = [node.op_type for node in onnx.load(bundle[0] / lstm.file).graph.node]
    assert kinds.count("DynamicQuantizeLSTM") == 2
    assert "LSTM" not in kinds


@pytest.mark.slow
def test_exporting_again_gives_the_same_bytes(bundle: tuple[Path, Manifest], tmp_path: Path) -> None:
    again = export(request(tmp_path / "again", "transformer", "lstm", seed=3), silent)
    first = by_id(bundle[1])
    assert again.artifacts
    for artifact in again.artifacts:
        assert artifact.sha256 == first[artifact.id].sha256
        assert golden_path(tmp_path / "again", artifact).read_bytes() == golden_path(bundle[0], artifact).read_bytes()


@pytest.mark.slow
def test_with_data_there_is_accuracy_and_a_mixed_request_takes_files_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    x = (generator.standard_normal((60, 6, 4)) + 3 * labels[:, None, None]).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=x[:40], y_train=labels[:40], x_test=x[40:], y_test=labels[40:])
    file = identity(tmp_path / "mine.onnx")
    changes: dict[str, Any] = {"data": f"npz:{tmp_path / 'd.npz'}", "isa": "vnni", "shapes": {"x": (1, 5, 3)}}
    manifest = export(request(tmp_path / "out", "linear", str(file), **changes), silent)
    fp32, int8, mine = manifest.artifacts
    assert (fp32.id, int8.id) == ("linear-window-fp32-portable-plain", "linear-window-int8-dynamic-vnni-plain")
    assert mine.id == "mine-window-fp32-portable-plain"
    assert manifest.data is not None
    assert fp32.weights == "trained"
    assert fp32.training is not None
    for artifact in (fp32, int8):
        assert artifact.accuracy is not None
        assert artifact.accuracy_validation is not None
        assert artifact.accuracy.samples == manifest.data.test == 20
        assert artifact.accuracy_validation.samples == manifest.data.validation
        assert artifact.accuracy.low <= artifact.accuracy.value <= artifact.accuracy.high


def identity(path: Path) -> Path:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [value("x", TensorProto.FLOAT, ["batch", "length", 3])],
        [value("y", TensorProto.FLOAT, ["batch", "length", 3])],
    )
    opsets = [helper.make_opsetid("", 18)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    return path


@pytest.mark.slow
def test_int8_beyond_its_bound_is_dropped_with_the_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = Int8Dynamic(relative_limit={"random": 1e-9})
    known = {"fp32": Fp32(), "int8-dynamic": strict}
    monkeypatch.setattr(exporting, "find_precision", known.__getitem__)
    manifest = export(request(tmp_path / "out", "linear"), silent)
    assert [artifact.precision for artifact in manifest.artifacts] == ["fp32"]
    assert "relative error" in manifest.dropped[0]
    assert len(list((tmp_path / "out").glob("*.onnx"))) == 1
    with pytest.raises(CheckFailed, match="no artifact could be written: linear-window-int8"):
        export(request(tmp_path / "none", "linear", precisions=("int8-dynamic",)), silent)
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_fp32_that_is_not_pytorchs_answer_fails_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "find_precision", lambda name: Fp32(tolerance=-1.0))
    with pytest.raises(CheckFailed, match="linear-window-fp32-portable-plain: max abs error"):
        export(request(tmp_path / "out", "linear", precisions=("fp32",)), silent)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("models", "changes", "words"),
    [
        (("lsmt",), {}, "unknown model lsmt"),
        (("pkg.mod:make",), {}, "MODEL pkg.mod:make: no module pkg"),
        (("net.pt2",), {}, "cannot read net.pt2"),
        (("absent.onnx",), {}, "absent.onnx"),
        (("absent.onnx",), {"data": "aeon:JapaneseVowels"}, "--data is for PyTorch models"),
        (("lstm",), {"precisions": ("int3",)}, "--precision int3"),
        (("lstm",), {"precisions": ()}, "--precision is empty"),
        (("lstm",), {"modes": ("batch",)}, "--mode batch"),
        (("lstm",), {"modes": ()}, "--mode"),
        (("lstm",), {"isa": "mmx"}, "isa mmx"),
        (("lstm",), {"preset": "huge"}, "--preset huge"),
        (("lstm",), {"accuracy_drop": 0.0}, "--accuracy-drop 0.0"),
        (("lstm",), {"accuracy_drop": float("nan")}, "--accuracy-drop nan"),
        (("lstm",), {"settings": {"lstm.width": "3"}}, "--set lstm.width"),
        (("lstm",), {"data": "npz:absent.npz"}, "absent.npz"),
        (("lstm",), {"checkpoint": Path("absent.safetensors")}, "--checkpoint absent.safetensors"),
        (("lstm",), {"shapes": {"x": (1, 2)}}, "--shape x=1x2"),
    ],
)
def test_bad_requests_are_refused_in_one_line_before_any_work(
    tmp_path: Path, models: tuple[str, ...], changes: dict[str, Any], words: str
) -> None:
    stages: list[object] = []
    with pytest.raises(InputError) as caught:
        export(request(tmp_path / "out", *models, **changes), lambda *stage: stages.append(stage))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not stages
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_is_for_one_model(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match="--checkpoint holds the weights of one model"):
        export(request(tmp_path / "out", "lstm", "transformer", checkpoint=tmp_path / "w.safetensors"), silent)


def test_a_taken_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="exists already"):
        export(request(tmp_path / "out", "lstm"), silent)


def test_importing_it_brings_neither_torch_nor_onnx() -> None:
    script = (
        "import sys, edgekit_export.exporting\n"
        "print(*{'torch', 'onnx', 'onnxscript', 'onnxruntime', 'openvino', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
