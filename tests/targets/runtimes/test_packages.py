from __future__ import annotations

import pytest

from edgekit_targets.runtimes import cpu, packages


def install(monkeypatch: pytest.MonkeyPatch, *distributions: str) -> None:
    monkeypatch.setattr(packages, "version_of", lambda name: "1.0" if name in distributions else None)


def test_finds_packages_without_importing_them() -> None:
    assert packages.present("numpy")
    assert not packages.present("a_package_that_nobody_has")
    assert packages.version_of("numpy")
    assert packages.version_of("a-package-that-nobody-has") is None


@pytest.mark.parametrize("only", [(), ("onnxruntime",), ("onnxruntime-gpu",)])
def test_one_build_is_no_conflict(monkeypatch: pytest.MonkeyPatch, only: tuple[str, ...]) -> None:
    install(monkeypatch, *only)
    assert packages.onnxruntime_conflict() is None


def test_two_builds_are_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "onnxruntime", "onnxruntime-gpu")
    status = cpu.Cpu().status()
    assert status.available
    assert status.reason == "onnxruntime and onnxruntime-gpu are both installed and overwrite each other"
    assert status.remedy == 'pip uninstall --yes onnxruntime onnxruntime-gpu && pip install "edgekit-onnx[cpu]"'
