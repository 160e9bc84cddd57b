from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgekit_export.imported import Taking, take_in
from edgekit_export.imported_write import golden_inputs
from edgekit_targets.bundle import artifact_path, read_manifest
from edgekit_targets.errors import InputError
from edgekit_targets.progress import silent
from edgekit_targets.types.manifest import Artifact, Tensor

Dims = tuple[int | str, ...]


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, Dims],
    output: Dims,
    weights: dict[str, NDArray[Any]] | None = None,
    kind: int = TensorProto.FLOAT,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
        [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def head(path: Path, shape: Dims = ("batch", "length", 6)) -> Path:
    """[..., 6] to [..., 3]."""
    weights = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    return save(path, [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": shape}, (*shape[:-1], 3), {"w": weights})


def take(*files: Path, out: Path, **shapes: tuple[int, ...]) -> tuple[Artifact, ...]:
    manifest = take_in(files, out, Taking(shapes=shapes), force=False, progress=silent)
    assert read_manifest(out) == manifest
    return manifest.artifacts


def golden(out: Path, artifact: Artifact) -> dict[str, NDArray[Any]]:
    with np.load(out / "golden" / f"{artifact.id}.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def test_bytes_stay_and_the_facts_are_read(tmp_path: Path) -> None:
    file, out = head(tmp_path / "My Net.v2.onnx"), tmp_path / "out"
    (artifact,) = take(file, out=out)
    assert artifact_path(out, artifact).read_bytes() == file.read_bytes()
    assert artifact.id == "my-net-v2-window-fp32-portable-plain"
    assert (artifact.family, artifact.weights, artifact.precision, artifact.isa) == (
        "my-net-v2",
        "imported",
        "fp32",
        "portable",
    )
    assert (artifact.opset, artifact.ir_version, artifact.parameters, artifact.min_onnxruntime) == (17, 8, 18, "1.16")
    assert artifact.inputs[0].shape == ("batch", "length", 6)
    assert artifact.example == (1, 16)
    assert artifact.accuracy is None
    assert artifact.parity is not None
    assert (artifact.parity.reference, artifact.parity.relative_error) == ("itself", 0.0)
    assert "batch=1, length=16" in artifact.notes[0]


def test_golden_vectors_are_its_own_answers_one_by_one(tmp_path: Path) -> None:
    file, out = head(tmp_path / "a.onnx"), tmp_path / "out"
    (artifact,) = take(file, out=out, x=(1, 9, 6))
    arrays = golden(out, artifact)
    assert arrays["input.x"].shape == (8, 9, 6)
    weights = numpy_helper.to_array(onnx.load(file).graph.initializer[0])
    np.testing.assert_allclose(arrays["output.y"], arrays["input.x"] @ weights, rtol=1e-5, atol=1e-5)
    assert artifact.example == (1, 9)
    assert artifact.notes == ()


def test_equal_stems_get_numbers(tmp_path: Path) -> None:
    files = [head(tmp_path / folder / "net.onnx") for folder in ("a", "b", "c")]
    assert [artifact.family for artifact in take(*files, out=tmp_path / "out")] == ["net", "net-2", "net-3"]


def test_a_fixed_batch_is_fed_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (artifact,) = take(head(tmp_path / "a.onnx", (4, 5, 6)), out=out)
    assert golden(out, artifact)["input.x"].shape == (4, 5, 6)
    assert artifact.inputs[0].shape == (4, 5, 6)


def test_length_first_is_recorded_as_it_was_run(tmp_path: Path) -> None:
    """The first axis of a stock PyTorch LSTM's input is the length; nobody must set it as the batch."""
    out = tmp_path / "out"
    (artifact,) = take(head(tmp_path / "a.onnx", ("length", "batch", 6)), out=out, x=(100, 1, 6))
    assert artifact.inputs[0].shape == (100, 1, 6)
    assert golden(out, artifact)["input.x"].shape == (100, 1, 6)


def test_inputs_without_a_common_first_axis_are_one_feed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    nodes = [helper.make_node("ReduceSum", ["h"], ["s"], keepdims=0), helper.make_node("Add", ["x", "s"], ["y"])]
    file = save(tmp_path / "a.onnx", nodes, {"x": ("batch", "length"), "h": (2, "batch", 3)}, ("batch", "length"))
    (artifact,) = take(file, out=out)
    arrays = golden(out, artifact)
    assert arrays["whole"]
    assert arrays["input.h"].shape == (2, 1, 3)
    assert arrays["output.y"].shape == (1, 16)
    assert artifact.parity is not None
    assert [tensor.shape for tensor in artifact.inputs] == [(1, 16), (2, 1, 3)]


def test_outputs_that_are_not_finite_are_no_golden_vectors(tmp_path: Path) -> None:
    file = save(tmp_path / "a.onnx", [helper.make_node("Log", ["x"], ["y"])], {"x": ("batch", 4)}, ("batch", 4))
    (artifact,) = take(file, out=tmp_path / "out")
    assert artifact.parity is None
    assert any("NaN or infinity" in note for note in artifact.notes)


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT16, TensorProto.UINT8])
def test_other_types_of_input(tmp_path: Path, kind: int) -> None:
    nodes = [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)]
    file = save(tmp_path / "a.onnx", nodes, {"x": ("batch", 4)}, ("batch", 4), kind=kind)
    (artifact,) = take(file, out=tmp_path / "out")
    values = golden(tmp_path / "out", artifact)["input.x"]
    assert str(values.dtype) == artifact.inputs[0].dtype
    assert len(np.unique(values)) >= 2


def test_golden_inputs_follow_the_first_axes() -> None:
    def tensors(*shapes: Dims) -> tuple[list[Tensor], dict[str, tuple[int, ...]]]:
        found = [Tensor(name=f"i{n}", dtype="float32", shape=shape) for n, shape in enumerate(shapes)]
        sizes = {t.name: tuple(d if isinstance(d, int) else 1 for d in t.shape) for t in found}
        return found, sizes

    free, whole = golden_inputs(*tensors(("batch", 3), (1, 2)))
    assert ({name: array.shape for name, array in free.items()}, whole) == ({"i0": (8, 3), "i1": (8, 2)}, False)
    fixed, whole = golden_inputs(*tensors((4, 3), (4,)))
    assert ({name: array.shape for name, array in fixed.items()}, whole) == ({"i0": (4, 3), "i1": (4,)}, True)
    mixed: list[tuple[Dims, ...]] = [((4, 3), (2, 3)), ((4, 3), (1, 3)), ((4, 3), ("batch", 3)), (("batch", 3), ())]
    for shapes in mixed:
        found, sizes = tensors(*shapes)
        feeds, whole = golden_inputs(found, sizes)
        assert whole
        assert {name: array.shape for name, array in feeds.items()} == sizes


def bad_files(folder: Path) -> dict[str, Path]:
    good = head(folder / "good.onnx").read_bytes()
    contents = {
        "empty": b"",
        "text": b"hello\n" * 100,
        "cut": good[: len(good) // 2],
        "zip": b"PK\x03\x04" + bytes(200),
    }
    files = {name: folder / f"{name}.onnx" for name in contents}
    for name, content in contents.items():
        files[name].write_bytes(content)
    files["missing"] = folder / "missing.onnx"
    files["folder"] = folder / "folder.onnx"
    files["folder"].mkdir()
    outside = onnx.load(folder / "good.onnx")
    onnx.save(outside, folder / "outside.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    files["outside"] = folder / "outside.onnx"
    broken = save(folder / "broken.onnx", [helper.make_node("Nope", ["x"], ["y"])], {"x": (1, 2)}, (1, 2))
    files["broken"] = broken
    nodes = [helper.make_node("MatMul", ["x", "x"], ["y"])]
    files["shapes"] = save(folder / "shapes.onnx", nodes, {"x": ("batch", "n")}, ("batch", "n"))
    return files


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "zip", "missing", "folder", "outside", "broken", "shapes"])
def test_bad_files_are_refused_in_one_line_and_leave_nothing(tmp_path: Path, kind: str) -> None:
    file, out = bad_files(tmp_path / "in")[kind], tmp_path / "out"
    with pytest.raises(InputError) as caught:
        take(file, out=out)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(out) not in str(caught.value)
    assert ".tmp" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_more_than_two_gigabytes_are_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "big.onnx"
    with file.open("wb") as sparse:
        sparse.truncate(3 * 10**9)
    with pytest.raises(InputError, match="larger than 2 GB"):
        take(file, out=tmp_path / "out")


def test_an_unknown_shape_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--shape z=1x2: no file has an input z"):
        take(head(tmp_path / "a.onnx"), out=tmp_path / "out", z=(1, 2))
    assert not (tmp_path / "out").exists()


def test_without_torch_and_onnx_installed(tmp_path: Path) -> None:
    script = """
import importlib.abc, sys
class Gone(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in ("torch", "onnx", "onnxscript"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Gone())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in ("torch", "onnx", "onnxscript") else real(name, *rest)
from pathlib import Path
from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.progress import silent
(artifact,) = export(ExportRequest(models=(sys.argv[1],), out=Path(sys.argv[2])), silent).artifacts
assert artifact.precision is artifact.opset is artifact.ir_version is artifact.parameters is artifact.quantized is None
assert any("onnx package" in note for note in artifact.notes), artifact.notes
assert artifact.parity is not None
print(artifact.id)
"""
    command = [sys.executable, "-c", script, str(head(tmp_path / "a.onnx")), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "a-window-unknown-unknown-plain"


@pytest.mark.slow
def test_what_torch_exports_is_taken_in(tmp_path: Path, stock: dict[str, Path]) -> None:
    """A stock LSTM (weights behind Slice and Concat, length frozen in what it declares) and a stock Transformer."""
    out = tmp_path / "out"
    lstm, transformer = take(*stock.values(), out=out, x=(1, 20, 6))
    assert lstm.quantized is not None
    assert lstm.quantized["LSTM"].total == 1
    assert transformer.quantized is not None
    assert transformer.quantized["MatMul"].total >= 2
    for artifact in (lstm, transformer):
        assert golden(out, artifact)["input.x"].shape == (8, 20, 6)
        assert artifact.precision == "fp32"
        assert artifact.example == (1, 20)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What ``torch.onnx.export`` makes of stock modules, in a process of its own (its dispatch cache goes stale)."""
    folder = tmp_path_factory.mktemp("stock")
    script = """
import sys, torch
from torch import nn
class Last(nn.Module):
    def __init__(self, body, width):
        super().__init__(); self.body = body; self.head = nn.Linear(width, 3)
    def forward(self, x):
        y = self.body(x)
        return self.head((y[0] if isinstance(y, tuple) else y)[:, -1])
layer = nn.TransformerEncoderLayer(6, 2, 16, batch_first=True)
models = {
    "lstm": Last(nn.LSTM(6, 8, batch_first=True), 8),
    "transformer": Last(nn.TransformerEncoder(layer, 1, enable_nested_tensor=False), 6),
}
free = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
for name, model in models.items():
    torch.onnx.export(
        model.eval(), (torch.zeros(2, 5, 6),), f"{sys.argv[1]}/{name}.onnx", dynamo=True, input_names=["x"],
        dynamic_shapes=(free,), external_data=False,
    )
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script, str(folder)], check=True, capture_output=True)
    return {name: folder / f"{name}.onnx" for name in ("lstm", "transformer")}
