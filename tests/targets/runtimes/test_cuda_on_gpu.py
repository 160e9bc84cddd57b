"""The CUDA target on a real NVIDIA GPU, which ``make test-cuda`` runs; without one they fail, they are not skipped."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit_targets.errors import InputError
from edgekit_targets.measure.device_memory import DeviceMarks
from edgekit_targets.runtimes.cuda import Cuda
from edgekit_targets.runtimes.ort_session import OrtSession
from edgekit_targets.types.manifest import State
from edgekit_targets.types.session import SessionOptions

pytestmark = [pytest.mark.cuda, pytest.mark.slow]

ONE = SessionOptions(threads=1)
GRAPH = SessionOptions(threads=1, cuda_graph=True)
MIB = 1 << 20


@pytest.fixture(scope="module")
def target() -> Cuda:
    """Made ready, as a worker does first."""
    made = Cuda()
    made.prepare()
    return made


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """y = x @ W with 64 MiB of weights."""
    value = helper.make_tensor_value_info
    weights = np.random.default_rng(0).standard_normal((4096, 4096)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "W"], ["y"])],
        "product",
        [value("x", TensorProto.FLOAT, ["batch", 4096])],
        [value("y", TensorProto.FLOAT, ["batch", 4096])],
        [numpy_helper.from_array(weights, "W")],
    )
    path = tmp_path_factory.mktemp("product") / "product.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def relative_error(session: OrtSession, product: Path) -> float:
    """Against float64."""
    weights = numpy_helper.to_array(onnx.load(product).graph.initializer[0]).astype(np.float64)
    x = np.random.default_rng(1).standard_normal((64, 4096)).astype(np.float32)
    session.bind({"x": x})
    session.run()
    exact = x @ weights
    return float(np.linalg.norm(session.read()["y"] - exact) / np.linalg.norm(exact))


def test_it_runs_here() -> None:
    status = Cuda().status()
    assert status.available, f"{status.reason}; {status.remedy}"


def test_fp32_means_fp32(target: Cuda, product: Path) -> None:
    signature = target.check(product)
    session = target.open(product, ONE, signature)
    assert session.facts.device == "CUDAExecutionProvider on the GPU"
    assert isinstance(session, OrtSession)
    assert relative_error(session, product) < 1e-5
    rounded = dataclasses.replace(target.provider(ONE), options={"use_tf32": "1"})
    with_tf32 = OrtSession(product, ONE, signature, rounded)
    assert relative_error(with_tf32, product) > 1e-4, "this GPU has TF32 (Ampere or newer), and it would be seen"


@pytest.mark.parametrize("options", [ONE, GRAPH], ids=["plain", "graph"])
def test_an_input_is_copied_there_and_its_answer_back(target: Cuda, matmul: Path, options: SessionOptions) -> None:
    session = target.open(matmul, options, target.check(matmul), {"x": (3, 6)})
    weights = np.add.outer(np.arange(6), np.arange(4)).astype(np.float32)
    x = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    session.bind({"x": x})
    for factor in (1, 2, 3):
        session.write({"x": np.float32(factor) * np.ones_like(x)})
        session.run()
        np.testing.assert_allclose(session.read()["y"], factor * np.ones_like(x) @ weights + 1, rtol=1e-5)
    session.close()


def test_a_graph_reads_what_was_bound_last(target: Cuda, matmul: Path) -> None:
    session = target.open(matmul, GRAPH, target.check(matmul), {"x": (3, 6)})
    weights = np.add.outer(np.arange(6), np.arange(4)).astype(np.float32)
    kept = []
    for factor in (1, 2, 3):
        x = np.full((3, 6), factor, np.float32)
        session.bind({"x": x})
        kept.append(x)  # so that no buffer is where another was
        for _ in range(2):
            session.run()
            np.testing.assert_allclose(session.read()["y"], x @ weights + 1, rtol=1e-5)


@pytest.mark.parametrize("options", [ONE, GRAPH], ids=["plain", "graph"])
def test_states_stay_on_the_gpu_and_take_turns(target: Cuda, running_sum: Path, options: SessionOptions) -> None:
    states = (State(input="total", output="total_next", shape=("batch", 2), dtype="float32", initial=0.5),)
    signature = target.check(running_sum)
    session = target.open(running_sum, options, signature, {"x": (2, 2), "total": (2, 2)})
    session.bind({"x": np.zeros((2, 2), np.float32)}, states)
    for _ in range(2):
        session.reset()
        total = np.full((2, 2), 0.5, np.float32)
        for step in range(5):
            x = np.full((2, 2), step + 1, np.float32)
            session.write({"x": x})
            session.run()
            total += x
            np.testing.assert_array_equal(session.read()["y"], 2 * total)


@pytest.fixture(scope="module")
def running_sum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """y = 2 (total + x), total = total + x."""
    value = helper.make_tensor_value_info
    names = {name: value(name, TensorProto.FLOAT, ["batch", 2]) for name in ("x", "total", "y", "total_next")}
    nodes = [
        helper.make_node("Add", ["x", "total"], ["total_next"]),
        helper.make_node("Add", ["total_next", "total_next"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "sum", [names["x"], names["total"]], [names["y"], names["total_next"]])
    path = tmp_path_factory.mktemp("sum") / "sum.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def test_what_would_run_on_the_processor_is_refused_by_name(target: Cuda, tmp_path: Path) -> None:
    """ONNX Runtime has determinants for processors alone; by itself it would run that node there, without a word."""
    value = helper.make_tensor_value_info
    nodes = [helper.make_node("Add", ["x", "x"], ["twice"]), helper.make_node("Det", ["twice"], ["y"])]
    ends = [value("x", TensorProto.FLOAT, [4, 4])], [value("y", TensorProto.FLOAT, [])]
    path = tmp_path / "determinant.onnx"
    graph = helper.make_graph(nodes, "determinant", *ends)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    refusal = r"determinant.onnx does not run on CUDAExecutionProvider alone: Det would run on the processor"
    with pytest.raises(InputError, match=refusal):
        target.open(path, ONE, target.check(path))


def test_the_gpus_memory_is_read(target: Cuda, product: Path) -> None:
    marks = DeviceMarks(target.device_meter())
    marks.mark()
    session = target.open(product, ONE, target.check(product), {"x": (1, 4096)})
    marks.mark()
    session.bind({"x": np.zeros((1, 4096), np.float32)})
    marks.mark()
    found = marks.memory()
    assert found is not None, marks.reason
    assert 64 * MIB <= found.added_bytes <= 256 * MIB
    assert found.baseline_bytes > 0


def test_a_gpu_that_is_hidden_is_said_to_be_missing() -> None:
    hidden = subprocess.run(
        [sys.executable, "-c", "from edgekit_targets.runtimes.cuda import Cuda; print(Cuda().status())"],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "available=False" in hidden.stdout
    assert "finds no GPU that it can use" in hidden.stdout, hidden.stdout
