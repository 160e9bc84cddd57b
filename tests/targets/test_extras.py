from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from edgekit_targets.errors import MissingExtra
from edgekit_targets.extras import require


def test_gives_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    assert require("json") is json


def test_names_the_extra_of_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtra, match=r'pip install "edgekit-onnx\[openvino\]"'):
        require("openvino")


def test_a_missing_part_of_a_package_is_the_package_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"torch is not installed.*\[export\]"):
        require("torch.no_such_part")


def test_a_package_that_lacks_something_else_keeps_its_own_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "aeon.py").write_text("import a_module_that_nobody_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "aeon", raising=False)
    with pytest.raises(ModuleNotFoundError, match="a_module_that_nobody_has"):
        require("aeon")
