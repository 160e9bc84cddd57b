from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit_targets import spawn


def test_a_module_runs_without_the_current_folder_on_its_path(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    done = subprocess.run(
        spawn.python_module("edgekit_targets"),
        input=b"",
        cwd=tmp_path,
        env=spawn.environment(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_package_is_found_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setattr("site.getsitepackages", lambda: ["/usr/lib/site"])
    root = str(Path(spawn.__file__).parents[1])
    variables = spawn.environment()
    assert variables["PYTHONPATH"] == f"{root}{os.pathsep}/elsewhere"
    assert variables["OMP_NUM_THREADS"] == "1"
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", "import edgekit_targets"], env=variables, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_installed_package_leaves_the_path_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr("site.getsitepackages", lambda: [str(Path(spawn.__file__).parents[1])])
    assert "PYTHONPATH" not in spawn.environment()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "ended with exit code 3"),
        (-signal.SIGKILL, "was killed by SIGKILL (often the system ran out of memory)"),
        (-signal.SIGILL, "was killed by SIGILL (this build needs instructions that the processor lacks)"),
        (-signal.SIGUSR1, "was killed by SIGUSR1"),
        (-200, "was killed by signal 200"),
    ],
)
def test_how_a_process_ended(code: int, words: str) -> None:
    assert spawn.say_exit(code) == words
