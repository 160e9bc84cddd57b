"""``edgekit export`` when something real goes wrong: exit code, what is said, what is left."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgekit.main import main
from edgekit_export.graph import clean

pytestmark = pytest.mark.slow
Printed = Callable[..., tuple[int, list[str]]]
FEATURES, LENGTH = 1000, 1


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Printed:
    """Run ``edgekit export ... --out o`` here; gives the exit code and the lines on stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: str) -> tuple[int, list[str]]:
        code = main(["export", *arguments, "--out", "o"])
        printed = capsys.readouterr().err
        assert "Traceback" not in printed
        return code, printed.splitlines()

    return run


def written(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.onnx")}


def nothing_left(folder: Path) -> bool:
    return not [path for path in folder.iterdir() if path.name == "o" or path.name.endswith((".tmp", ".old"))]


@pytest.fixture
def fragile(tmp_path: Path) -> list[str]:
    """A linear model whose classes differ by less than one step of its 8-bit weights, and data that it tells apart.

    Its logits hardly move when it is quantized (their common part is a thousand times larger), its answers do.
    """
    import torch
    from safetensors.torch import save_file

    generator = np.random.default_rng(0)
    weights = np.broadcast_to(generator.uniform(50, 100, (LENGTH, FEATURES)), (2, LENGTH, FEATURES)).copy()
    weights[0, :, 1], weights[1, :, 1] = 0.6, -0.6
    held = {
        "normalise.mean": torch.zeros(FEATURES),
        "normalise.std": torch.ones(FEATURES),
        "head.weight": torch.from_numpy(weights.reshape(2, -1).astype(np.float32)),
        "head.bias": torch.tensor([-0.3, 0.3]),
    }
    save_file(held, tmp_path / "w.safetensors")
    x = {split: generator.uniform(0, 1, (count, LENGTH, FEATURES)) for split, count in (("train", 400), ("test", 100))}
    arrays: dict[str, Any] = {}
    for split, values in x.items():
        labels = np.arange(len(values)) % 2
        values[:, :, 1] = (labels == 0)[:, None]
        arrays |= {f"x_{split}": values.astype(np.float32), f"y_{split}": labels}
    np.savez(tmp_path / "d.npz", **arrays)
    return ["linear", "--data", "npz:d.npz", "--checkpoint", "w.safetensors"]


def test_a_file_that_lost_its_accuracy_is_not_written_and_the_others_are(
    export: Printed, fragile: list[str], tmp_path: Path
) -> None:
    code, lines = export(*fragile, "--precision", "fp32,int8-dynamic")
    assert code == 0
    (said,) = [line for line in lines if "int8-dynamic" in line]
    assert "linear-window-int8-dynamic-portable-plain: too inaccurate: " in said
    assert "validation samples lost, 0 gained" in said
    assert "at most 1.0% may be lost" in said
    assert written(tmp_path / "o") == {"linear-window-fp32-portable-plain.onnx"}
    manifest = json.loads((tmp_path / "o" / "manifest.json").read_text())
    assert manifest["dropped"] == [said.removeprefix("edgekit: ")]
    assert manifest["artifacts"][0]["accuracy"]["value"] == 1.0
    assert manifest["settings"]["accuracy_drop"] == 0.01


def test_where_no_precision_was_written_the_check_has_failed(
    export: Printed, fragile: list[str], tmp_path: Path
) -> None:
    code, lines = export(*fragile, "--precision", "int8-dynamic")
    assert code == 5
    assert "no artifact could be written: linear-window-int8-dynamic-portable-plain: too inaccurate" in lines[-1]
    assert nothing_left(tmp_path)


def test_the_limit_is_the_users(export: Printed, fragile: list[str], tmp_path: Path) -> None:
    code, _ = export(*fragile, "--precision", "int8-dynamic", "--accuracy-drop", "60%")
    assert code == 0
    manifest = json.loads((tmp_path / "o" / "manifest.json").read_text())
    (artifact,) = manifest["artifacts"]
    assert artifact["keep"]["accuracy_drop"] > 0.3
    assert artifact["keep"]["verdict"] == "keep"
    assert artifact["accuracy"]["value"] < 0.7
    assert manifest["settings"]["accuracy_drop"] == 0.6


def test_data_of_another_width_than_the_weights(export: Printed, fragile: list[str], tmp_path: Path) -> None:
    """What calibration would meet: it is refused before anything is traced."""
    generator = np.random.default_rng(0)
    arrays = {f"x_{split}": generator.normal(size=(40, LENGTH, FEATURES + 2)) for split in ("train", "test")}
    np.savez(tmp_path / "d.npz", **arrays, y_train=np.arange(40) % 2, y_test=np.arange(40) % 2)  # type: ignore[arg-type]
    code, lines = export(*fragile, "--precision", "int8-static")
    assert code == 2
    assert "--checkpoint w.safetensors does not fit this linear" in lines[-1]
    assert "--data" in lines[-1]
    assert nothing_left(tmp_path)


def test_outputs_that_are_no_numbers(export: Printed, fragile: list[str], tmp_path: Path) -> None:
    """Finite weights, and logits beyond float32."""
    from safetensors.torch import load_file, save_file

    held = load_file(tmp_path / "w.safetensors")
    held["head.weight"] = held["head.weight"] / 100 * 3e38
    save_file(held, tmp_path / "w.safetensors")
    code, lines = export(*fragile)
    assert code == 5
    assert "NaN or infinity" in lines[-1]
    assert nothing_left(tmp_path)


def test_an_imported_file_that_gives_no_numbers_is_taken_in_without_golden_vectors(
    export: Printed, tmp_path: Path
) -> None:
    graph = graph_of([helper.make_node("Log", ["x"], ["y"])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), tmp_path / "a.onnx")
    code, _ = export("a.onnx")
    assert code == 0
    (artifact,) = json.loads((tmp_path / "o" / "manifest.json").read_text())["artifacts"]
    assert artifact["parity"] is None
    assert "no golden vectors: random inputs gave NaN or infinity" in artifact["notes"]


def graph_of(nodes: list[onnx.NodeProto]) -> onnx.GraphProto:
    value = helper.make_tensor_value_info
    return helper.make_graph(
        nodes, "g", [value("x", TensorProto.FLOAT, ["batch", 4])], [value("y", TensorProto.FLOAT, ["batch", 4])]
    )


@pytest.mark.parametrize(("opset", "ir"), [(99, 8), (18, 99)])
def test_an_imported_file_newer_than_the_runtime(export: Printed, tmp_path: Path, opset: int, ir: int) -> None:
    graph = graph_of([helper.make_node("Relu", ["x"], ["y"])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    model.ir_version = ir
    (tmp_path / "new.onnx").write_bytes(model.SerializeToString())
    code, lines = export("new.onnx")
    assert code == 2
    assert "new.onnx" in lines[-1]
    assert "99" in lines[-1]
    assert nothing_left(tmp_path)


def test_an_exported_graph_that_nothing_can_load(
    export: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day an exporter writes an opset that is not out yet, the checks say so and nothing is written."""
    real = clean.clean

    def from_the_future(model: onnx.ModelProto) -> onnx.ModelProto:
        result = real(model)
        result.opset_import[0].version = 99
        return result

    monkeypatch.setattr("edgekit_export.windowing.clean", from_the_future)
    code, lines = export("linear")
    assert code == 5
    assert "linear" in lines[-1]
    assert "Opset 99" in lines[-1]
    assert "/" not in lines[-1], "no folder that is gone by now"
    assert nothing_left(tmp_path)


def test_an_exported_file_that_ends_the_process_while_loading(
    export: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal is real; that of the runtime itself is in tests/export/test_precisions.py, on a file made for it."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal\n"
        "from edgekit_targets.runtimes.ort_session import OrtSession\n"
        "real = OrtSession.__init__\n"
        "def init(self, path, *rest, **named):\n"
        "    if 'fp16' in str(path):\n"
        "        os.kill(os.getpid(), signal.SIGSEGV)\n"
        "    real(self, path, *rest, **named)\n"
        "OrtSession.__init__ = init\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    code, lines = export("linear", "--precision", "fp32,fp16")
    assert code == 0
    (said,) = [line for line in lines if "linear-window-fp16" in line]
    assert "SIGSEGV" in said
    assert written(tmp_path / "o") == {"linear-window-fp32-portable-plain.onnx"}


@pytest.mark.parametrize("most", [300_000, 60_000, 3_000], ids=["artifact", "samples", "everything"])
def test_a_disk_that_takes_only_a_part_of_a_file(tmp_path: Path, most: int) -> None:
    """The kernel refuses in the middle of a write: RLIMIT_FSIZE, which holds for every process that is started too."""

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    (tmp_path / "scratch").mkdir()
    command = [sys.executable, "-m", "edgekit", "export", "lstm", "--out", "o"]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(tmp_path / "scratch")}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, preexec_fn=limited
    )
    assert done.returncode == 2, done.stderr
    lines = done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    assert lines[-1].startswith("edgekit: ")
    assert "File too large" in lines[-1]
    assert nothing_left(tmp_path)
    # ONNX Runtime notes its telemetry session there.
    assert not [path for path in (tmp_path / "scratch").iterdir() if path.name != ".ses"]
