import dataclasses
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.profiling.store import read_profiles
from edgekit.shipping.choose import choose
from edgekit.shipping.compose import compose
from edgekit.shipping.signing import PrivateKey
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.releases.check import verify_release
from edgekit_targets.releases.format import FILES, PROFILE, VERDICT
from tests.edgekit.shelf import BUDGET, FEATURES, STEPS, STREAM, WINDOW, Shelf

Make = Callable[..., Path]


def test_a_release_holds_its_files_and_nothing_else(composed: Make) -> None:
    folder = composed()
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == set(FILES)
    for path in folder.rglob("*"):
        assert not path.is_symlink()
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("artifact", [WINDOW, STREAM])
def test_it_says_what_was_measured(composed: Make, shelf: Shelf, key: PrivateKey, artifact: str) -> None:
    folder = composed(artifact, 41, units={"x": "m/s²"})
    release, signer = verify_release(folder, [key.public])
    made = shelf.artifacts[artifact]
    assert (release.artifact, release.counter, release.sha256) == (artifact, 41, made.sha256)
    assert (folder / "model.onnx").read_bytes() == (shelf.bundle / made.file).read_bytes()
    assert release.labels == ("a", "b", "c")
    assert (release.inputs[0].name, release.inputs[0].unit) == ("x", "m/s²")
    assert release.limits.p99_seconds == 0.02
    assert release.limits.memory_bytes == 64 * 2**20
    assert release.limits.process_memory_bytes is None
    assert release.session.options.fixed_shapes
    assert release.session.runtime_version == "1.30"
    assert release.golden.tolerance == made.parity.tolerance if made.parity else False
    assert release.forced == ()
    assert signer.key == key.public.id
    if artifact == STREAM:
        assert release.session.shapes == {"x": (1, FEATURES)}
        assert release.every_seconds == 0.02
        assert [(state.input, state.initial) for state in release.states] == [("h", 2.0)]
        assert release.reset == "fill every state input with its initial value"
    else:
        assert release.session.shapes == {"x": (1, STEPS, FEATURES)}
        assert release.every_seconds is None


def test_the_evidence_is_of_this_file_alone(composed: Make, shelf: Shelf) -> None:
    folder = composed()
    profile = json.loads((folder / PROFILE).read_text())
    assert [one["artifact"] for one in profile["measurements"]] == [WINDOW]
    assert profile["measurements"][0]["latency"]["raw_seconds"]
    verdict = json.loads((folder / VERDICT).read_text())
    assert (verdict["verdict"], verdict["budget"]) == ("pick", BUDGET)
    ((_, whole),) = read_profiles(shelf.bundle)
    assert len(whole.measurements) == 2


def test_large_evidence_leaves_single_latencies_behind(
    make_shelf: Callable[..., Shelf], key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit.shipping.compose.MOST_EVIDENCE_BYTES", 10_000)
    small = make_shelf().measurements[0].latency
    assert small is not None
    large = dataclasses.replace(small, samples=200 * 10, raw_seconds=small.raw_seconds * 10)
    shelf = make_shelf(latency=large, verdict=None)
    compose(shelf.bundle, choose(shelf.bundle, artifact=WINDOW), tmp_path / "r", key=key, name="m", counter=1)
    text = (tmp_path / "r" / PROFILE).read_text()
    assert len(text) < 10_000
    (kept,) = json.loads(text)["measurements"]
    assert kept["latency"]["raw_seconds"] == []
    assert kept["latency"]["samples"] == 200 * 10
    assert kept["latency"]["p99_high_seconds"] == small.p99_high_seconds


def test_nothing_is_overwritten(shelf: Shelf, key: PrivateKey, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match=r"--to .* exists already; choose another folder$"):
        compose(shelf.bundle, choose(shelf.bundle), tmp_path / "there", key=key, name="m", counter=1)
    assert list((tmp_path / "there").iterdir()) == []


def test_a_file_that_changed_since_it_was_measured_is_not_shipped(
    make_shelf: Callable[..., Shelf], key: PrivateKey, tmp_path: Path
) -> None:
    shelf = make_shelf()
    chosen = choose(shelf.bundle, artifact=WINDOW)
    path = shelf.bundle / shelf.artifacts[WINDOW].file
    path.write_bytes(path.read_bytes() + b"\x00\x00")
    with pytest.raises(CheckFailed, match="does not match its hash"):
        compose(shelf.bundle, chosen, tmp_path / "r", key=key, name="m", counter=1)
    assert list(tmp_path.iterdir()) == []


def test_an_artifact_without_golden_vectors_is_not_shipped(
    make_shelf: Callable[..., Shelf], key: PrivateKey, tmp_path: Path
) -> None:
    shelf = make_shelf()
    (shelf.bundle / "golden" / f"{WINDOW}.npz").unlink()
    with pytest.raises(InputError, match="no golden vectors"):
        compose(shelf.bundle, choose(shelf.bundle, artifact=WINDOW), tmp_path / "r", key=key, name="m", counter=1)


@pytest.mark.parametrize(
    ("more", "words"),
    [({"units": {"y": "g"}}, "--unit y=... names no input"), ({"labels": ["one"]}, "--labels .*1 names.* 3")],
)
def test_what_is_told_along_must_fit_the_model(composed: Make, more: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        composed(**more)


def test_golden_vectors_travel_as_they_are(composed: Make, shelf: Shelf) -> None:
    with np.load(composed(STREAM) / "golden.npz") as arrays:
        assert arrays["output.logits"].shape == (8, STEPS, FEATURES)
