"""A release on real ARM code: sent, verified, switched to, taken back when a probe fails, rolled back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.main import main
from edgekit_targets.bundle import read_manifest
from edgekit_targets.releases.store import Store
from edgekit_targets.signing.keys import read_public_key
from tests.pi.parts.device import Pi

pytestmark = pytest.mark.slow

Edgekit = Callable[..., Any]


@pytest.fixture
def edgekit(reach: Pi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Edgekit:
    """Run a command in a project that knows the device; gives its exit code, its document, and what it remarked."""
    (tmp_path / "edgekit.toml").write_text('[devices.pi]\naddress = "ssh://pi"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(*words: str) -> tuple[int, Any, str]:
        code = main([*words, "--json"])
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if printed.out else None, printed.err

    return run


def test_it_is_shipped_proved_and_taken_back(reach: Pi, edgekit: Edgekit, one_file: Path) -> None:
    (artifact,) = read_manifest(one_file).artifacts
    store = Store(reach.home / ".edgekit")
    ship = ["ship", str(one_file), "--artifact", artifact.id, "--force", "--key", "own.key", "--device", "pi"]
    assert edgekit("keys", "new", "own")[0] == 0

    assert edgekit("keys", "trust", "own.pub", "--device", "pi")[0] == 0
    code, found, said = edgekit(*ship, "--counter", "2")
    assert (code, found["rollout"]["status"]) == (0, "done"), said
    first = found["rollout"]["release"]
    assert (store.current(), store.previous()) == (first, None)

    # The application's own probe sees the new one, and says no.
    code, found, said = edgekit(*ship, "--counter", "3", "--probe", f"readlink {store.folder}/current > saw; false")
    assert (code, found["rollout"]["status"]) == (5, "failed"), said
    assert "--probe" in said
    assert (reach.home / "saw").read_text().strip() == f"releases/{found['rollout']['release']}"
    assert (store.current(), store.previous(), store.held()) == (first, None, [first])

    code, found, said = edgekit(*ship, "--counter", "4", "--probe", 'test -s "$EDGEKIT_RELEASE/model.onnx"')
    assert (code, found["rollout"]["status"]) == (0, "done"), said
    second = found["rollout"]["release"]
    assert (store.current(), store.previous()) == (second, first)

    code, found, said = edgekit("device", "rollback", "pi")
    assert (code, found["current"], found["previous"]) == (0, first, second), said
    (model,) = edgekit("device", "releases", "pi")[1]
    assert [(one["release"], one["artifact"]) for one in model["releases"]] == [
        (first, artifact.id),
        (second, artifact.id),
    ]
    assert (model["current"], model["waiting"], model["accepted"]) == (first, None, 4)
    by_hand = ["ssh", "pi", "python3 .edgekit/agent/edgekit-agent.pyz keys list"]
    listed = subprocess.run(by_hand, capture_output=True, text=True, check=True).stdout
    assert json.loads(listed) == {"trusted": [read_public_key(Path("own.pub")).id], "revoked": []}
    assert (reach.home / ".edgekit/models/model/current/model.onnx").read_bytes() == (
        one_file / artifact.file
    ).read_bytes()
    (reach.home / "saw").unlink()
