"""``pip install "edgekit-onnx[cpu]"`` and two files: what most people try first. No torch, no onnx, no data."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.alone]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cpu_only(environment: Callable[..., Path]) -> Path:
    return environment("cpu")


@pytest.fixture(scope="module")
def two_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small and a large model with free batch and time, as exporters leave them."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    for name, width in (("small", 8), ("large", 256)):
        weights = {
            "W": rng.normal(size=(1, 4 * width, 6), scale=0.1),
            "R": rng.normal(size=(1, 4 * width, width), scale=0.1),
        }
        graph = helper.make_graph(
            [helper.make_node("LSTM", ["x", "W", "R"], ["y", "h", ""], hidden_size=width)],
            name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", "batch", 6])],
            [helper.make_tensor_value_info("h", TensorProto.FLOAT, [1, "batch", width])],
            [numpy_helper.from_array(value.astype(np.float32), key) for key, value in weights.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        onnx.save(model, folder / f"{name}.onnx")
    return folder


def test_picks_one_of_two_files_without_torch_or_onnx(cpu_only: Path, edgekit: Run, two_files: Path) -> None:
    arguments = ["compare", "small.onnx", "large.onnx", "--budget", "p50=1s", "--out", "o", "--json"]
    done = edgekit(*arguments, cwd=two_files, python=cpu_only)
    assert done.returncode in (0, 4), done.stderr
    verdict = json.loads(done.stdout)
    # Other work on this machine may have disturbed either or both; then that is what the verdict says.
    fits = {one["family"] for one in verdict["candidates"] if one["valid"] and one["status"] == "pass"}
    assert (verdict["verdict"], done.returncode) == (("pick", 0) if fits else ("undecided", 4))
    assert (verdict["choice"] is not None) == bool(fits)
    if fits:
        assert verdict["choice"]["family"] in fits
        assert fits != {"small", "large"} or verdict["choice"]["family"] == "small"
    assert {one["family"] for one in verdict["candidates"]} == {"small", "large"}
    assert "--shape" in done.stderr
    manifest = json.loads((two_files / "o" / "manifest.json").read_text())
    assert "torch" not in manifest["versions"]
    for artifact in manifest["artifacts"]:
        assert artifact["weights"] == "imported"
        assert artifact["opset"] is None
        assert artifact["parameters"] is None
        assert artifact["quantized"] is None
        assert any("onnx" in note for note in artifact["notes"])
        assert (two_files / "o" / artifact["file"]).read_bytes() == (
            two_files / f"{artifact['family']}.onnx"
        ).read_bytes()


def test_a_shape_is_set_by_name(cpu_only: Path, edgekit: Run, two_files: Path) -> None:
    done = edgekit(
        "export", "small.onnx", "--shape", "x=40x1x6", "--out", "shaped", "--json", cwd=two_files, python=cpu_only
    )
    assert done.returncode == 0, done.stderr
    import numpy as np

    (artifact,) = json.loads(done.stdout)["artifacts"]
    with np.load(two_files / "shaped" / "golden" / f"{artifact['id']}.npz") as golden:
        assert golden["input.x"].shape[1:] == (1, 6) or 40 in golden["input.x"].shape
    refused = edgekit("export", "small.onnx", "--shape", "x=40x1x7", "--out", "no", cwd=two_files, python=cpu_only)
    assert refused.returncode == 2
    assert "--shape" in refused.stderr
    assert not (two_files / "no").exists()


def test_the_target_that_is_not_there_is_named(cpu_only: Path, edgekit: Run, two_files: Path) -> None:
    done = edgekit("compare", "small.onnx", "--target", "openvino", "--out", "no", cwd=two_files, python=cpu_only)
    assert done.returncode == 2
    assert 'pip install "edgekit-onnx[openvino]"' in done.stderr
    shown = json.loads(edgekit("targets", "--json", cwd=two_files, python=cpu_only).stdout)["targets"]
    available = {one["name"]: one["available"] for one in shown}
    assert available["cpu"]
    assert not available["openvino"]
    assert all(one["remedy"] and one["reason"] for one in shown if not one["available"])
