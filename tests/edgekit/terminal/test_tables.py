from __future__ import annotations

import pytest

from edgekit.terminal.output import print_table
from edgekit.terminal.tables import targets_table
from edgekit_targets.types.target import TargetStatus


def status(*, available: bool, reason: str | None = None, remedy: str | None = None) -> TargetStatus:
    return TargetStatus(
        name="cpu", summary="ONNX Runtime", available=available, version="1.0", reason=reason, remedy=remedy
    )


def test_a_target_that_runs_tells_its_trouble_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(targets_table([status(available=True, reason="two builds", remedy="pip uninstall one")]))
    text = " ".join(capsys.readouterr().out.split())
    assert "cpu yes 1.0 ONNX Runtime; two builds; pip uninstall one" in text


def test_one_that_does_not_says_why_and_what_fixes_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(targets_table([status(available=False, reason="not installed", remedy="pip install it")]))
    assert "cpu no 1.0 not installed; pip install it" in " ".join(capsys.readouterr().out.split())
