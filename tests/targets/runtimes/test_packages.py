from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from edgekit_targets.runtimes import cpu, cuda, packages
from edgekit_targets.runtimes.cuda import PROVIDER


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that alone is searched for what pip has installed; modules are found as before."""
    importlib.import_module("onnxruntime")  # which it cannot be any more once nothing else is searched
    real = sys.path.copy()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    importlib.invalidate_caches()
    finder = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "path", real)
            return finder(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    return tmp_path


def install(folder: Path, *distributions: str) -> None:
    """What pip leaves of a distribution for others to find."""
    for name in distributions:
        info = folder / f"{name.replace('-', '_')}-1.2.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\n")


def test_finds_packages_without_importing_them() -> None:
    assert packages.present("numpy")
    assert not packages.present("a_package_that_nobody_has")
    assert packages.version_of("numpy")
    assert packages.version_of("a-package-that-nobody-has") is None


@pytest.mark.parametrize("only", [(), ("onnxruntime",), ("onnxruntime-gpu",), ("onnxruntime-openvino", "openvino")])
def test_one_build_is_no_conflict(installed: Path, only: tuple[str, ...]) -> None:
    install(installed, *only)
    assert packages.onnxruntime_conflict() is None


@pytest.mark.parametrize("other", ["onnxruntime-gpu", "onnxruntime-openvino"])
def test_two_builds_are_told_with_the_remedy(installed: Path, other: str) -> None:
    install(installed, other, "onnxruntime")
    status = cpu.Cpu().status()
    assert status.available
    assert status.reason == f"onnxruntime and {other} are both installed and overwrite each other"
    assert status.remedy == f'pip uninstall --yes onnxruntime {other} && pip install "edgekit-onnx[cpu]"'


def test_a_gpu_build_that_was_overwritten_says_so(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    install(installed, "onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino")
    status = cuda.Cuda().status()
    assert not status.available
    assert PROVIDER not in str(status.reason)
    assert status.reason == (
        "onnxruntime, onnxruntime-gpu and onnxruntime-openvino are all installed and overwrite each other"
    )
    assert status.remedy == (
        'pip uninstall --yes onnxruntime onnxruntime-gpu onnxruntime-openvino && pip install "edgekit-onnx[cuda]"'
    )
