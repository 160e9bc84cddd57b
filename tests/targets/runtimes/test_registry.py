from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from edgekit_targets.errors import InputError, MissingExtra
from edgekit_targets.runtimes import TARGETS, find, statuses
from edgekit_targets.runtimes.cuda import PROVIDER, Cuda

NOTHING_INSTALLED = """
import importlib.util, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("onnxruntime", "openvino"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Block())
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in ("onnxruntime", "openvino") else real(name)
from edgekit_targets.errors import MissingExtra
from edgekit_targets.runtimes import TARGETS, statuses
for status in statuses():
    print(status.available, status.remedy)
for target in TARGETS:
    try:
        target.prepare()
    except MissingExtra as error:
        print(error)
"""


def test_each_target_is_found_by_its_name() -> None:
    assert [target.name for target in TARGETS] == ["cpu", "cuda", "openvino", "openvino:GPU", "openvino:NPU"]
    assert all(find(target.name) is target for target in TARGETS)


@pytest.mark.parametrize("name", ["tpu", "", "CPU", "openvino:CPU", "fake"])
def test_an_unknown_target_names_the_known_ones(name: str) -> None:
    with pytest.raises(InputError, match="known targets: cpu, cuda, openvino, openvino:GPU, openvino:NPU"):
        find(name)


def test_statuses_say_what_runs_here_and_why_the_rest_does_not() -> None:
    found = {status.name: status for status in statuses()}
    assert list(found) == [target.name for target in TARGETS]
    for name in ("cpu", "openvino"):
        assert found[name].available
        assert found[name].version
    for status in found.values():
        assert status.available or (status.reason and status.remedy)
        assert "\n" not in f"{status.reason}{status.remedy}"


def test_nothing_installed_is_a_table_of_remedies() -> None:
    done = subprocess.run([sys.executable, "-c", NOTHING_INSTALLED], capture_output=True, text=True, check=True)
    install = 'pip install "edgekit-onnx[{}]"'
    extras = ["cpu", "cuda", "openvino", "openvino", "openvino"]
    lines = done.stdout.splitlines()
    assert lines[:5] == [f"False {install.format(extra)}" for extra in extras]
    assert [line.partition("with: ")[2] for line in lines[5:]] == [install.format(extra) for extra in extras]


def test_a_device_that_is_not_there() -> None:
    import openvino

    if "NPU" in openvino.Core().available_devices:
        pytest.skip("this machine has an NPU")
    with pytest.raises(InputError, match=r"openvino:NPU cannot run here: OpenVINO finds no NPU \(found: .*CPU"):
        find("openvino:NPU").prepare()


class FakeOrt:
    """What ``onnxruntime`` says of itself, in the build for CUDA or without it."""

    __version__ = "1.31.1"

    def __init__(self, *providers: str) -> None:
        self.providers = [*providers, "CPUExecutionProvider"]
        self.preloaded = False
        self.started: list[str] = []

    def get_available_providers(self) -> list[str]:
        return self.providers

    def preload_dlls(self) -> None:
        self.preloaded = True

    def set_default_logger_severity(self, severity: int) -> None:
        assert severity == 3

    def SessionOptions(self) -> SimpleNamespace:
        return SimpleNamespace()

    def InferenceSession(self, model: bytes, settings: object, providers: list[str]) -> SimpleNamespace:
        return SimpleNamespace(get_providers=lambda: self.started or providers)


def test_cuda_says_why_it_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", FakeOrt())
    monkeypatch.setattr("edgekit_targets.runtimes.cuda.version_of", lambda name: "1" if name == "onnxruntime" else None)
    monkeypatch.setattr("edgekit_targets.runtimes.cuda.present", lambda name: True)
    status = Cuda().status()
    assert not status.available
    assert status.reason == "the onnxruntime that is installed is the build without CUDA"
    assert status.remedy == 'pip uninstall --yes onnxruntime && pip install "edgekit-onnx[cuda]"'


def test_cuda_is_available_with_its_build(monkeypatch: pytest.MonkeyPatch) -> None:
    ort = FakeOrt(PROVIDER)
    monkeypatch.setitem(sys.modules, "onnxruntime", ort)
    monkeypatch.setattr("edgekit_targets.runtimes.cuda.present", lambda name: True)
    status = Cuda().status()
    assert (status.available, status.version, status.reason, ort.preloaded) == (True, "1.31.1", None, True)


def test_cuda_without_a_gpu_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ort = FakeOrt(PROVIDER)
    ort.started = ["CPUExecutionProvider"]
    monkeypatch.setitem(sys.modules, "onnxruntime", ort)
    monkeypatch.setattr("edgekit_targets.runtimes.cuda.present", lambda name: True)
    status = Cuda().status()
    assert not status.available
    assert str(status.reason).startswith("ONNX Runtime finds no GPU that it can use")
    assert status.remedy == "nvidia-smi"


def test_cuda_missing_altogether(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit_targets.runtimes.cuda.present", lambda name: False)
    with pytest.raises(MissingExtra, match=r"onnxruntime-gpu is not installed.*\[cuda\]"):
        Cuda().prepare()
