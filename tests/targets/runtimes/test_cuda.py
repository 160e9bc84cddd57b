"""What the CUDA target asks of ONNX Runtime, and its very path of buffers with the processor in the GPU's place."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_targets.errors import InputError
from edgekit_targets.runtimes import ort_session
from edgekit_targets.runtimes.cuda import PROVIDER, Cuda
from edgekit_targets.runtimes.onnx_file import read_signature
from edgekit_targets.runtimes.ort_session import NO_FALLBACK, OrtSession, Provider
from edgekit_targets.types.manifest import State
from edgekit_targets.types.session import SessionOptions

OPTIONS = SessionOptions(threads=1)


def on_the_processor() -> Provider:
    """CUDA's way of running a model, all but the device."""
    made = Cuda().provider(OPTIONS)
    return dataclasses.replace(made, name="CPUExecutionProvider", device="cpu", options={}, config={})


def opened(path: Path, **changes: Any) -> OrtSession:
    provider = dataclasses.replace(on_the_processor(), **changes)
    return OrtSession(path, OPTIONS, read_signature(path), provider)


def test_it_asks_for_cuda_alone_without_tf32() -> None:
    provider = Cuda().provider(OPTIONS)
    assert (provider.name, provider.device, provider.staged, provider.exclusive) == (PROVIDER, "cuda", True, True)
    assert provider.options == {"use_tf32": "0"}
    assert provider.config == {"session.disable_cpu_ep_fallback": "1"}
    assert Cuda().provider(SessionOptions(cuda_graph=True)).options == {"use_tf32": "0", "enable_cuda_graph": "1"}


def test_an_input_is_copied_there_and_its_answer_back(matmul: Path) -> None:
    session = opened(matmul)
    weights = np.add.outer(np.arange(6), np.arange(4)).astype(np.float32)
    x = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    session.bind({"x": x})
    np.testing.assert_allclose(session.read()["y"], x @ weights + 1, rtol=1e-5)
    before = session.read()["y"]
    x *= 2
    session.synchronise()
    np.testing.assert_array_equal(session.read()["y"], before, err_msg="the buffer there is one of its own")
    session.run()
    np.testing.assert_allclose(session.read()["y"], x @ weights + 1, rtol=1e-5)
    session.write({"x": x / 2})
    session.run()
    np.testing.assert_array_equal(session.read()["y"], before)
    session.close()
    with pytest.raises(RuntimeError, match="bind"):
        session.run()


def test_states_take_turns_there(adder: Path, adder_states: tuple[State, ...]) -> None:
    session = opened(adder)
    session.bind({"x": np.zeros((2, 2), np.float32)}, adder_states)
    for _ in range(2):
        session.reset()
        total = np.full((2, 2), 0.5, np.float32)
        for step in range(5):
            x = np.full((2, 2), step + 1, np.float32)
            session.write({"x": x})
            session.run()
            total += x
            np.testing.assert_array_equal(session.read()["y"], total + 3 + step)


def test_a_graph_has_a_number_for_each_set_of_buffers(
    adder: Path, adder_states: tuple[State, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    seen: list[str] = []
    real = onnxruntime.InferenceSession.run_with_iobinding

    def recording(self: Any, binding: Any, settings: Any = None) -> None:
        seen.append(settings.get_run_config_entry("gpu_graph_id"))
        real(self, binding, settings)

    monkeypatch.setattr(onnxruntime.InferenceSession, "run_with_iobinding", recording)
    session = opened(adder, graph=True)
    assert session.facts.graph
    session.bind({"x": np.zeros((1, 2), np.float32)}, adder_states)
    for _ in range(3):
        session.run()
    assert seen == ["-1", "-1", "1", "2", "1"], "the first runs find out the outputs and are no part of a graph"
    del seen[:]
    session.bind({"x": np.zeros((1, 2), np.float32)}, adder_states)
    for _ in range(3):
        session.run()
    assert seen == ["-1", "-1", "3", "4", "3"], "a graph would read the buffers that it was recorded with"


class Node:
    op_type = "MatMulInteger"


class Part:
    ep_name = "CPUExecutionProvider"

    @staticmethod
    def get_nodes() -> list[Node]:
        return [Node()]


def test_where_every_node_went_is_looked_up(matmul: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    opened(matmul).close()  # all of it is on the one provider that was asked for
    found = opened(matmul)._session.get_provider_graph_assignment_info()
    assert {part.ep_name for part in found} == {"CPUExecutionProvider"}
    monkeypatch.setattr(Part, "ep_name", "AnotherExecutionProvider")
    monkeypatch.setattr(onnxruntime.InferenceSession, "get_provider_graph_assignment_info", lambda _: [*found, Part()])
    with pytest.raises(InputError, match=r"matmul\.onnx does not run on CPUExecutionProvider alone: MatMulInteger"):
        opened(matmul)


def test_what_onnx_runtime_refuses_without_a_name_is_named(matmul: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the fallback forbidden it says that there is a node without a kernel, and not which."""
    import onnxruntime

    real = onnxruntime.InferenceSession
    asked: list[str] = []

    def session(path: str, settings: Any, providers: list[Any]) -> Any:
        asked.append(settings.get_session_config_entry(NO_FALLBACK))
        if asked[-1] == "1":
            raise RuntimeError("This session contains graph nodes that are assigned to the default CPU EP")
        return real(path, settings, providers=providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    config = {NO_FALLBACK: "1"}
    with pytest.raises(InputError, match=r"cannot be loaded by ONNX Runtime .*assigned to the default CPU EP"):
        opened(matmul, config=config)  # where nothing is elsewhere after all, what it said stands
    monkeypatch.setattr(Part, "ep_name", "AnotherExecutionProvider")
    monkeypatch.setattr(real, "get_provider_graph_assignment_info", lambda _: [Part()], raising=True)
    with pytest.raises(InputError, match=r"does not run on CPUExecutionProvider alone: MatMulInteger .*fix the shapes"):
        opened(matmul, config=config)
    assert asked == ["1", "0", "1", "0"]


def test_a_session_that_came_up_elsewhere_is_refused(matmul: Path) -> None:
    with (
        pytest.warns(UserWarning, match="not in available provider names"),
        pytest.raises(InputError, match="would have used the processor; check the driver"),
    ):
        opened(matmul, name=PROVIDER)


def test_without_cuda_it_does_not_even_try(matmul: Path) -> None:
    import onnxruntime

    if PROVIDER in onnxruntime.get_available_providers():
        pytest.skip("this is the build with CUDA")
    target = Cuda()
    with pytest.raises(InputError, match=r"--target cuda cannot run here.*edgekit-onnx\[cuda\]"):
        target.open(matmul, OPTIONS, target.check(matmul))
    with pytest.raises(InputError, match=r"--target cuda cannot run here.*edgekit-onnx\[cuda\]"):
        target.prepare()


MISSING = "Failed to load libcublas.so.13: libcublas.so.13: cannot open shared object file: No such file or directory"


@pytest.mark.parametrize(
    ("printed", "trouble", "remedy"),
    [
        ("", "ONNX Runtime finds no GPU that it can use", "nvidia-smi"),
        (MISSING, r"libraries of CUDA are missing (libcublas.so.13)", 'pip install "edgekit-onnx[cuda]"'),
    ],
)
def test_it_prepares_by_loading_the_libraries_and_running_something(
    printed: str, trouble: str, remedy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The GPU build on a machine without a GPU: ONNX Runtime warns and uses the processor; edgekit does not."""
    import onnxruntime

    loaded: list[bool] = []

    def preload() -> None:
        loaded.append(True)
        print(printed)

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDER, "CPUExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "preload_dlls", preload)
    target = Cuda()
    with (
        pytest.warns(UserWarning, match="not in available provider names"),
        pytest.raises(InputError, match=re.escape(f"{trouble}; fix it with: {remedy}")),
    ):
        target.prepare()
    with pytest.warns(UserWarning, match="not in available provider names"):
        status = target.status()
    assert (status.available, status.reason, status.remedy) == (False, trouble, remedy)
    assert loaded == [True, True]
    assert capsys.readouterr().out == "", "the agent's answers go there"
    assert ort_session.version() == onnxruntime.__version__
