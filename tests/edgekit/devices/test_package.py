"""The agent as one file, run with nothing but numpy and a runtime beside it."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgekit_targets
from edgekit.devices.package import agent_bytes, write_agent
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.protocol import Open, Run
from edgekit_targets.errors import AgentFailed, InputError
from tests.edgekit.bare import bare_python

Device = Callable[..., Path]


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_agent(tmp_path_factory.mktemp("pushed"))


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    """Makes a Python that has some packages and nothing else; gives its path."""

    def make(*distributions: str) -> Path:
        return bare_python(tmp_path_factory.mktemp("device"), *distributions)

    return make


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from onnx import TensorProto, helper, numpy_helper

    path = tmp_path_factory.mktemp("models") / "matmul.onnx"
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "matmul",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])],
        [numpy_helper.from_array(np.ones((6, 4), np.float32), "w")],
    )
    opset = helper.make_opsetid("", 18)
    path.write_bytes(helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())
    return path


@pytest.fixture
def asking(model: Path) -> Open:
    return Open(
        handle="one",
        file=str(model),
        sha256=hashlib.sha256(model.read_bytes()).hexdigest(),
        target="cpu",
        inputs={"x": (1, 6)},
    )


def test_the_same_sources_give_the_same_bytes(zipapp: Path) -> None:
    assert agent_bytes() == agent_bytes() == zipapp.read_bytes()


def test_it_holds_the_device_room_and_nothing_else(zipapp: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(zipapp.read_bytes())) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        sources = {name: archive.read(name).decode() for name in names if name.endswith(".py")}
    folder = Path(edgekit_targets.__file__).parent
    expected = {
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(names) == {"__main__.py", *expected}
    assert names == sorted(names)
    foreign = re.compile(r"^\s*(?:from|import) (torch|typer|rich|scipy|onnx|edgekit|edgekit_export)\b", re.MULTILINE)
    assert not {name: found for name, text in sources.items() if (found := foreign.search(text))}


def test_a_python_that_is_too_old_is_one_line(zipapp: Path) -> None:
    """The first file it reads must parse and answer everywhere; this interpreter stands in for an old one."""
    code = (
        "import sys, zipfile; sys.version_info = (3, 9, 2, 'final', 0);"
        "exec(compile(zipfile.ZipFile(sys.argv[1]).read('__main__.py'), 'main', 'exec'))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(zipapp)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.9" in done.stderr


@pytest.mark.slow
def test_measures_with_numpy_and_a_runtime_alone(
    zipapp: Path, device: Device, asking: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = device("numpy", "onnxruntime")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(zipapp.parent)
    with LocalAgent([str(python), zipapp.name]) as agent:  # a relative path, as a command line would have it
        welcome = agent.hello()
        available = {status.name for status in welcome.targets if status.available}
        assert available == {"cpu"}
        opened = agent.open(asking)
        assert opened.memory is not None
        ran = agent.run(Run(handle="one", samples=20, max_seconds=2.0, warmup_seconds=0.01))
        assert len(ran.seconds) == 20
        agent.close("one")
        with pytest.raises(InputError, match=r'openvino is not installed.*pip install "edgekit-onnx\[openvino\]"'):
            agent.open(Open(**{**vars(asking), "target": "openvino"}))
    bare = subprocess.run(
        [str(python), "-c", "import numpy, onnxruntime; print(open('/proc/self/smaps_rollup').read())"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"^Rss:\s+(\d+) kB$", bare.stdout, re.MULTILINE)
    assert found is not None
    added = opened.memory.baseline_bytes - 1024 * int(found[1])
    assert added <= 10_000_000, f"the agent's worker holds {added / 1e6:.1f} MB more than numpy and ONNX Runtime alone"


@pytest.mark.parametrize(("there", "missing"), [((), "numpy"), (("numpy",), "onnxruntime")])
def test_what_is_missing_is_one_line(
    zipapp: Path, device: Device, asking: Open, there: tuple[str, ...], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with LocalAgent([str(device(*there)), str(zipapp)]) as agent:
        assert not any(status.available for status in agent.hello().targets)
        with pytest.raises(InputError, match=rf'{missing} is not installed.*pip install "edgekit-onnx\[cpu\]"'):
            agent.open(asking)


def test_a_python_that_is_not_there(zipapp: Path) -> None:
    with pytest.raises(AgentFailed, match="could not be started: /nowhere/python3"), LocalAgent(["/nowhere/python3"]):
        pass
