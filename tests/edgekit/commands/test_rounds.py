"""``edgekit rounds`` as a command: what it refuses, and that Ctrl-C keeps what was done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgekit.main import main
from edgekit.rounds.work import FILE, Work
from tests.ctrl_c import hear_ctrl_c


def listing(folder: Path) -> list[str]:
    """Without the cache, which ONNX Runtime writes to when it is imported."""
    return sorted(str(path) for path in folder.rglob("*") if "cache" not in path.parts)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seeds", "2"], ["--seeds 2", "3 seeds"]),
        (["--data", "aeon:NoSuchSet"], ["NoSuchSet", "JapaneseVowels"]),
        (["--data", ","], ["--data"]),
        (["--data", "npz:none.npz"], ["none.npz"]),
        (["--distances", "8,none"], ["--distances", "none"]),
        (["--distances", "8,64", "--length", "32"], ["--length 32", "64 steps back", "--distances"]),
        (["--budget", "p98=1s"], ["p98", "p99"]),
        (["--device", "moon"], ["--device", "moon"]),
        (["--out", "taken"], ["--out taken"]),
        (["--data", "npz:few.npz"], ["few.npz", "class", "one training sample"]),
    ],
)
def test_a_mistake_is_one_line_with_its_remedy_and_leaves_nothing_behind(
    arguments: list[str],
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "letter.txt").write_text("dear")
    x = np.zeros((3, 5, 1), dtype=np.float32)
    y = np.array([0, 0, 1])
    np.savez(tmp_path / "few.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    before = listing(tmp_path)
    assert main(["rounds", "--quick", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    line = printed.err.splitlines()[-1]
    assert line.startswith("edgekit: ")
    assert "Traceback" not in printed.err
    for word in words:
        assert word in line
    assert listing(tmp_path) == before


def test_a_finished_run_is_not_made_again_without_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "rounds.json").write_text("{}")
    assert main(["rounds", "--quick", "--out", "out"]) == 2
    assert "--force" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_keeps_what_was_trained(tmp_path: Path) -> None:
    out = tmp_path / "out"
    running = subprocess.Popen(
        [sys.executable, "-m", "edgekit", "rounds", "--quick", "--distances", "2,4", "--out", str(out)],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )
    try:
        journal, patience = out / FILE, time.monotonic() + 240
        while not (journal.exists() and len(journal.read_text().splitlines()) > 1):
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < patience
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGINT)  # a terminal tells every process of the group
        printed, told = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert printed == ""
    assert "Traceback" not in told
    assert f"--out {out}" in told
    assert Work(out).pieces > 0
