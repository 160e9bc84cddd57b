import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.main import main
from edgekit.profiling.store import write_profile
from edgekit_targets.bundle import read_manifest
from edgekit_targets.releases.check import verify_release
from edgekit_targets.signing.keys import read_public_key
from edgekit_targets.signing.ring import read_ring
from tests.edgekit.shelf import BUDGET, STREAM, WINDOW, Shelf, composed, key, make_shelf, shelf
from tests.voices import voice

__all__ = ["composed", "key", "make_shelf", "shelf"]  # fixtures
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.fixture
def pair(here: Path, capsys: Captured) -> tuple[str, str]:
    assert main(["keys", "new", "own"]) == 0
    capsys.readouterr()
    return "own.key", "own.pub"


def ship(bundle: Path, *more: str) -> int:
    return main(["ship", str(bundle), "--key", "own.key", "--to", "out", *more])


@pytest.mark.slow
def test_the_pick_becomes_a_release_that_verifies(
    shelf: Shelf, here: Path, pair: tuple[str, str], capsys: Captured
) -> None:
    assert ship(shelf.bundle, "--name", "keyword", "--unit", "x=g", "--labels", "yes,no,other") == 0
    line = capsys.readouterr().out
    release, _ = verify_release(here / "out", [read_public_key(here / "own.pub")])
    assert line.startswith(f"out: keyword {release.counter}, {release.artifact}, signed by key ")
    assert (release.name, release.labels, release.inputs[0].unit) == ("keyword", ("yes", "no", "other"), "g")
    assert release.counter > 20260000000000
    assert main(["verify", "out", "--key", "own.pub"]) == 0
    assert "all of its 6 files are as they were signed" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
@pytest.mark.parametrize("artifact", [WINDOW, STREAM])
def test_json_says_what_was_shipped_and_verified(
    shelf: Shelf, here: Path, pair: tuple[str, str], capsys: Captured, artifact: str
) -> None:
    assert ship(shelf.bundle, "--artifact", artifact, "--counter", "7", "--budget", BUDGET, "--json") == 0
    shipped = json.loads(capsys.readouterr().out)
    assert (shipped["to"], shipped["release"]["counter"], shipped["release"]["artifact"]) == ("out", 7, artifact)
    assert main(["verify", "out", "--key", "own.pub", "--json"]) == 0
    verified = json.loads(capsys.readouterr().out)
    assert verified["release"] == shipped["release"]
    assert verified["key"] == shipped["key"]
    (check,) = verified["checks"]
    assert check["passed"]
    assert check["max_abs_error"] < 1e-5


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--to", "out"], 2, "--key is missing.*edgekit keys new"),
        (["--key", "own.key"], 2, "--device or --to is missing"),
        (["--key", "own.pub", "--to", "out"], 2, "--key own.pub is no private key"),
        (["--key", "own.key", "--to", "out", "--name", "../up"], 2, "--name '../up' must be"),
        (["--key", "own.key", "--to", "out", "--counter", "0"], 2, "--counter 0"),
        (["--key", "own.key", "--to", "out", "--artifact", "nothing"], 2, "--artifact 'nothing' is not in"),
        (["--key", "own.key", "--to", "out", "--unit", "x"], 2, "--unit"),
        (["--key", "own.key", "--to", "out", "--probe-within", "soon"], 2, "--probe-within"),
        (["--key", "own.key", "--to", "out", "--probe", "true"], 2, "--probe is run by the device that switches"),
        (["--key", "own.key", "--to", "out", "--confirm-within", "soon"], 2, "--confirm-within"),
        (["--key", "own.key", "--to", ".git"], 2, "--to .git exists already"),
        (["--key", "own.key", "--to", "out", "--budget", "p99=1us"], 3, "nothing-fits"),
        (["--key", "own.key", "--to", "out", "--device", "pi"], 4, "--device pi"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    shelf: Shelf, here: Path, pair: tuple[str, str], capsys: Captured, arguments: list[str], code: int, words: str
) -> None:
    before = set(here.rglob("*"))
    assert main(["ship", str(shelf.bundle), *arguments]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert re.search(words, printed.err)
    assert set(here.rglob("*")) == before


def test_force_is_told_and_kept(
    make_shelf: Callable[..., Shelf], here: Path, pair: tuple[str, str], capsys: Captured
) -> None:
    bundle = make_shelf(measured=False).bundle
    assert ship(bundle, "--artifact", WINDOW) == 4
    assert "--force" in capsys.readouterr().err
    assert ship(bundle, "--artifact", WINDOW, "--force") == 0
    assert "edgekit: forced: " in capsys.readouterr().err
    release, _ = verify_release(here / "out", [read_public_key(here / "own.pub")])
    assert "not measured" in release.forced[0]


def test_verify_wants_a_key_for_a_release_and_none_for_a_bundle(
    shelf: Shelf, here: Path, pair: tuple[str, str], capsys: Captured
) -> None:
    assert ship(shelf.bundle) == 0
    assert main(["verify", "out"]) == 2
    assert "--key PATH.pub" in capsys.readouterr().err
    assert main(["verify", str(shelf.bundle), "--key", "own.pub"]) == 2
    assert "is no release" in capsys.readouterr().err


@pytest.mark.parametrize(("mode", "told"), [(0o600, False), (0o640, True), (0o604, True), (0o620, True)])
def test_a_key_that_others_can_read_is_told(
    shelf: Shelf, here: Path, pair: tuple[str, str], capsys: Captured, mode: int, told: bool
) -> None:
    (here / "own.key").rename(here / "my own.key")
    (here / "my own.key").chmod(mode)
    assert main(["ship", str(shelf.bundle), "--key", "my own.key", "--to", "out"]) == 0
    lines = capsys.readouterr().err.splitlines()
    warned = "edgekit: my own.key is open to other users of this machine; close it with: chmod 600 'my own.key'"
    assert (warned in lines) == told


@pytest.mark.slow
def test_a_probe_has_the_time_that_it_is_given(
    shelf: Shelf, here: Path, pair: tuple[str, str], capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(here / "state"))
    assert main(["keys", "trust", "own.pub", "--device", "local"]) == 0
    words = ["ship", str(shelf.bundle), "--key", "own.key", "--device", "local", "--force", "--artifact", WINDOW]
    assert main([*words, "--probe", "sleep 600", "--probe-within", "200ms"]) == 5
    assert "--probe 'sleep 600' did not end within 0.2 s" in capsys.readouterr().err
    assert not (here / "home/.edgekit/models/model/current").is_symlink()


@pytest.mark.slow
def test_verify_ends_with_5_where_something_is_not_what_it_must_be(
    shelf: Shelf, here: Path, pair: tuple[str, str], capsys: Captured
) -> None:
    assert main(["keys", "new", "other"]) == 0
    assert ship(shelf.bundle) == 0
    assert main(["verify", "out", "--key", "other.pub"]) == 5
    assert "not trusted here" in capsys.readouterr().err
    assert main(["verify", "out", "--key", "other.pub", "--key", "own.pub"]) == 0
    capsys.readouterr()
    (here / "out" / "model.onnx").write_bytes(b"other")
    assert main(["verify", "out", "--key", "own.pub"]) == 5
    printed = capsys.readouterr()
    assert "model.onnx is not the file that was signed" in printed.err
    assert printed.out == ""


def test_this_machine_trusts_and_revokes(here: Path, pair: tuple[str, str], capsys: Captured) -> None:
    key = read_public_key(here / "own.pub")
    root = here / "home" / ".edgekit"
    assert main(["keys", "trust", "own.pub", "--device", "local"]) == 0
    assert capsys.readouterr().out == f"local trusts key {key.id[:16]}\n"
    assert read_ring(root).trusted == (key,)
    assert main(["keys", "revoke", "own.pub", "--device", "local", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema_version": 1, "device": "local", "key": key.id}
    assert read_ring(root).revoked == (key,)
    assert main(["keys", "trust", "own.pub", "--device", "local"]) == 2
    assert "was revoked there, which is for good" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["trust", "revoke"])
def test_only_the_public_half_goes_to_a_device(
    here: Path, pair: tuple[str, str], capsys: Captured, command: str
) -> None:
    assert main(["keys", command, "own.key", "--device", "local"]) == 2
    assert "is a private key, which stays with you" in capsys.readouterr().err
    assert not (here / "home").exists()
    assert main(["keys", command, "own.pub", "--device", "nowhere"]) == 2
    assert "--device 'nowhere' is unknown" in capsys.readouterr().err


@pytest.mark.slow
def test_an_imported_model_with_state_is_shipped_like_ours(
    here: Path, pair: tuple[str, str], capsys: Captured, make_measurement: Any, make_profile: Any
) -> None:
    file = voice(here / "voice.onnx")
    assert main(["export", str(file), "--set-input", "sr=16000", "--out", "bundle"]) == 0
    bundle = here / "bundle"
    artifacts = read_manifest(bundle).artifacts
    taken = [make_measurement(one, p99=0.001, length=1, every_seconds=0.02) for one in artifacts]
    write_profile(bundle, make_profile(*taken))
    assert main(["pick", str(bundle), "--budget", "p99=20ms, memory=64MiB"]) == 0
    assert ship(bundle) == 0
    release, _ = verify_release(here / "out", [read_public_key(here / "own.pub")])
    assert (release.mode, release.family) == ("stream", "voice")
    assert [(one.input, one.output, one.initial) for one in release.states] == [("h", "hn", 0.0), ("c", "cn", 0.0)]
    assert [one.name for one in release.inputs] == ["x", "h", "c"], "the sample rate is a constant of the file"
    (shipped,) = [one for one in artifacts if one.id == release.artifact]
    assert (here / "out" / "model.onnx").read_bytes() == (bundle / shipped.file).read_bytes()
    capsys.readouterr()
    assert main(["verify", "out", "--key", "own.pub", "--json"]) == 0
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert check["passed"], "its golden vectors, run again from the release"
