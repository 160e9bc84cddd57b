"""The agent's commands on this machine; over ssh they are asked in tests/edgekit/shipping/test_loopback.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.devices.orders import orders
from edgekit_targets.errors import AgentFailed, CheckFailed, InputError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_answers_come_back_and_errors_keep_their_kind(tmp_path: Path) -> None:
    with orders("local", {}) as here:
        assert here.ask("releases") == []
        with pytest.raises(InputError, match=r"^local: no model model was installed below"):
            here.ask("confirm")
        with pytest.raises(InputError, match=r"^local: .*invalid choice"):
            here.ask("dance")
        with pytest.raises(InputError, match=r"^local: .*is no public key"):
            here.ask("keys", "trust", "-", given=b"something else")
        (tmp_path / "empty").mkdir()
        with pytest.raises(CheckFailed, match=r"^local: .*model.onnx is missing from the release"):
            here.ask("install", str(tmp_path / "empty"))


def test_a_folder_that_lies_here_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "release").mkdir()
    with orders("local", {}) as here:
        assert here.put(Path("release"), "incoming", "x") == str(tmp_path / "release")
        here.remove("incoming", "x")
    assert (tmp_path / "release").is_dir()


def test_a_crash_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nprint('out of order', file=sys.stderr)\nsys.exit(7)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with orders("local", {}) as here, pytest.raises(AgentFailed, match=r"^local: .* exit code .* and said: "):
        here.ask("releases")
