"""Every mistake the issue names: exit code, one line, the remedy, nothing half-written."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.decision.figures import Evidence
from edgekit.main import main
from edgekit_targets.bundle import read_manifest, write_manifest

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must be refused; give back its one line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: str, code: int = 2) -> str:
        before = listing(tmp_path)
        assert main(arguments) == code
        printed = capsys.readouterr()
        assert printed.out == ""
        line = printed.err.splitlines()[-1]
        assert line.startswith("edgekit: ")
        assert "Traceback" not in printed.err
        assert listing(tmp_path) == before, "nothing may be left behind"
        return line

    return run


def listing(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if "cache" not in path.parts)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "lstn", "--out", "o"], ["lstn", "lstm"]),
        (["export", "--preset", "iott", "--out", "o"], ["--preset", "iott", "iot"]),
        (["export", "--precision", "int7", "--out", "o"], ["--precision", "int7", "int8-dynamic"]),
        (["export", "--mode", "sideways", "--out", "o"], ["--mode", "sideways", "window"]),
        (["export", "--set", "hidden", "--out", "o"], ["--set", "KEY=VALUE"]),
        (["export", "--set", "colour=3", "--out", "o"], ["--set", "colour"]),
        (["export", "--set", "transformer.window=0", "--out", "o"], ["--set", "window"]),
        (["export", "--accuracy-drop", "200%", "--out", "o"], ["--accuracy-drop", "200%", "1%"]),
        (["export", "--accuracy-drop", "-0.1", "--out", "o"], ["--accuracy-drop", "-0.1", "1%"]),
        (["export", "--data", "aeon:NoSuchSet", "--out", "o"], ["NoSuchSet", "JapaneseVowels"]),
        (["export", "--data", "npz:none.npz", "--out", "o"], ["none.npz"]),
        (["export", "--data", "what", "--out", "o"], ["--data", "what"]),
        (["export", "--shape", "x=1xtwo", "a.onnx", "--out", "o"], ["--shape", "x=1xtwo"]),
        (["export", "none.onnx", "--out", "o"], ["none.onnx"]),
        (["compare", "none.onnx"], ["none.onnx"]),
        (["compare", "--target", "tpu"], ["--target", "tpu", "cpu"]),
        (["compare", "--budget", "p99=20"], ["--budget", "unit"]),
        (["compare", "--budget", "p98=20ms"], ["--budget", "p98", "p99"]),
        (["compare", "--budget", "p99=-20ms"], ["--budget", "negative"]),
        (["compare", "--budget", "p99"], ["--budget"]),
        (["compare", "--budget", "p50=30ms, p99=20ms"], ["--budget", "p50<=30ms", "p99<=20ms", "contradicts"]),
        (["compare", "--budget", "imu50hz"], ["--budget", "imu50hz", "imu-50hz"]),
        (["compare", "--device", "pi"], ["--device", "pi"]),
        (["profile", "b", "--device", "lokal"], ["--device", "lokal", "did you mean local"]),
        (["verify", "b", "--device", "ssh://no-such-host.invalid"], ["no-such-host.invalid", "does not resolve"]),
        (["verify", "b", "--device", "ssh://pi:secret@pi"], ["--device", "password", "key"]),
        (["compare", "--threads", "0"], ["--threads", "0"]),
        (["compare", "--threads", "4096"], ["--threads", "4096", "cores"]),
        (["compare", "--prefer", "speed"], ["--prefer", "speed", "p99"]),
        (["compare", "--prefer", "acuracy"], ["--prefer", "did you mean accuracy"]),
        (["compare", "--prefer", ""], ["--prefer", "must name each metric once"]),
        (["compare", "--budget", "p50=30ms, p99=20ms"], ["--budget", "contradict"]),
        (["pick", "none", "--budget", "imu-50h"], ["--budget", "did you mean imu-50hz"]),
        (["pick", "none", "--budget", "p99=1ms", "--budget", "p99=2ms"], ["--budget", "more than once", "--matrix"]),
        (["pick", "none", "--format", "jnit"], ["--format", "did you mean junit"]),
        (["pick", "none", "--json", "--format", "csv"], ["--json", "--format csv", "keep one"]),
        (["pick", "none", "--matrix", "--explain", "x"], ["--explain", "--matrix", "one at a time"]),
        (["pick", "none", "--matrix", "--format", "junit"], ["--matrix", "--format junit", "json, md"]),
        (["pick", "none", "--matrix", "--budget", "p99=1ms"], ["none", "manifest.json"]),
        (["profile", "none"], ["none", "manifest.json"]),
        (["pick", "none", "--budget", "p99=20ms"], ["none", "manifest.json"]),
        (["report", "none"], ["none", "manifest.json"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_word_is_named_with_its_remedy(refused: Refused, arguments: list[str], words: Sequence[str]) -> None:
    line = refused(*arguments)
    for word in words:
        assert word in line


def test_an_output_folder_that_is_taken(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("x")
    for command in (["export"], ["compare"]):
        assert "--force" in refused(*command, "--out", "there")
        assert "did not write" in refused(*command, "--out", "there", "--force")
        assert "is a file" in refused(*command, "--out", "file")
        assert "which is a file" in refused(*command, "--out", "file/below")
    assert (tmp_path / "there" / "thesis.txt").read_text() == "years of work"


def test_an_output_folder_that_cannot_be_written(refused: Refused) -> None:
    # /proc refuses new folders to root too, which a mode of 0555 does not
    assert "cannot be written" in refused("export", "--out", "/proc/bundle")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "ONNX"),
        (b"hello", "ONNX"),
        (b"\x08\x08" + b"\xff" * 100, "ONNX"),
    ],
)
def test_an_onnx_that_is_none(refused: Refused, tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "bad.onnx").write_bytes(content)
    line = refused("compare", "bad.onnx", "--out", "o")
    assert "bad.onnx" in line
    assert words in line


def test_an_onnx_that_is_a_folder(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "dir.onnx").mkdir()
    assert "dir.onnx" in refused("compare", "dir.onnx", "--out", "o")


def arrays(**changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    found = {
        "x_train": rng.normal(size=(40, 10, 3)).astype(np.float32),
        "y_train": np.arange(40) % 2,
        "x_test": rng.normal(size=(20, 10, 3)).astype(np.float32),
        "y_test": np.arange(20) % 2,
    }
    return found | changes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y_train": np.zeros(40, int), "y_test": np.zeros(20, int)}, "class"),
        ({"x_train": np.full((40, 10, 3), np.nan, np.float32)}, "NaN"),
        ({"x_test": np.zeros((20, 10, 4), np.float32)}, "features"),
        ({"x_train": np.zeros((0, 10, 3), np.float32), "y_train": np.zeros(0, int)}, "empty"),
    ],
)
def test_data_that_cannot_be_learnt_from(refused: Refused, tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    np.savez(tmp_path / "d.npz", **arrays(**changes))
    line = refused("export", "lstm", "--data", "npz:d.npz", "--out", "o")
    assert "d.npz" in line
    assert words in line


def test_checkpoints_that_do_not_fit(refused: Refused, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"other.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "other.safetensors").read_bytes()[:20])
    torch.save({"call": print}, tmp_path / "code.pt")
    (tmp_path / "folder.pt").mkdir()
    for name in ("other.safetensors", "cut.safetensors", "code.pt", "folder.pt", "none.pt"):
        line = refused("export", "lstm", "--checkpoint", name, "--out", "o")
        assert name in line


def test_a_manifest_that_is_broken(
    refused: Refused, make_bundle: Callable[..., Path], make_evidence: Callable[..., Evidence]
) -> None:
    path = make_bundle(make_evidence("lstm")) / "manifest.json"
    whole = path.read_text()
    for content, words in (
        (whole[: len(whole) // 2], "truncated"),
        ("[]", "no schema_version"),
        (json.dumps(json.loads(whole) | {"schema_version": 99}), "upgrade edgekit-onnx"),
        (whole.replace('"family"', '"famly"'), "family is missing"),
        (whole.replace('.onnx"', '.onnx/../../../../etc/passwd"'), "outside the bundle"),
    ):
        path.write_text(content)
        pick = ["pick", "bundle", "--budget", "p99=20ms"]
        for command in (pick, ["profile", "bundle"], ["report", "bundle"], ["verify", "bundle"]):
            assert words in refused(*command), command


def test_an_artifact_that_does_not_match_its_hash_is_a_failed_check(
    refused: Refused, make_bundle: Callable[..., Path], make_evidence: Callable[..., Evidence]
) -> None:
    bundle = make_bundle(make_evidence("lstm"), profiled=False)
    manifest = read_manifest(bundle)
    changed = tuple(dataclasses.replace(artifact, sha256="1" * 64) for artifact in manifest.artifacts)
    write_manifest(bundle, dataclasses.replace(manifest, artifacts=changed))
    for command in ("profile", "verify"):
        assert "does not match its hash" in refused(command, "bundle", code=5)


def test_a_report_is_not_overwritten(
    refused: Refused, make_bundle: Callable[..., Path], make_evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    make_bundle(make_evidence("lstm"))
    (tmp_path / "mine.html").write_text("mine")
    assert "--force" in refused("report", "bundle", "--out", "mine.html")
    assert "is a folder" in refused("report", "bundle", "--out", ".")
    assert "no regular file" in refused("report", "bundle", "--out", "/dev/null", "--force")
