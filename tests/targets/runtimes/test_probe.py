from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from edgekit_targets.runtimes import probe


def pretend(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let every probe run ``code`` instead."""

    def start(targets: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)

    monkeypatch.setattr(probe, "_start", start)


def test_a_runtime_that_kills_its_process_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    for status in probe.probe_all():
        assert not status.available
        assert "was killed by SIGILL (this build needs instructions" in str(status.reason)
        assert str(status.remedy).startswith('pip install --force-reinstall "edgekit-onnx[')


def test_a_runtime_that_prints_nonsense_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "print('banner'); print('[{}]')")
    assert all("went wrong" in str(status.reason) for status in probe.probe_all())


def test_a_runtime_that_hangs_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(probe, "_LIMIT_SECONDS", 0.05)
    assert all("took longer" in str(status.reason) for status in probe.probe_all())


def test_chatter_on_standard_output_does_no_harm(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(1, b"a banner without an end")
    probe.main(["cpu"])
    sys.stdout.flush()
    last = capfd.readouterr().out.rpartition("\n")[2]
    assert last.startswith('[{"name": "cpu"')
