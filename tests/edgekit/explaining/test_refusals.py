"""What cannot be explained: exit code 2, one line that names the option and the remedy, nothing written."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.main import main
from edgekit_targets.bundle import read_manifest, write_manifest
from edgekit_targets.types.manifest import Manifest

pytestmark = pytest.mark.slow
LSTM, PLAIN = "lstm-window-fp32-portable-plain", "transformer-window-fp32-portable-plain"
Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    def run(bundle: Path, *arguments: str) -> str:
        assert main(["explain", str(bundle), *arguments]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "Traceback" not in printed.err
        assert not (bundle / "explanations").exists()
        return printed.err.splitlines()[-1]

    return run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--artifact", PLAIN, "--input", "0"],
            [PLAIN, "no attention output", "edgekit export transformer --attention"],
        ),
        (["--artifact", LSTM, "--input", "0", "--method", "attention"], ["the lstm has none", "--method occlusion"]),
        (["--artifact", LSTM, "--input", "300"], ["--input 300 is out of range", "0 to 299"]),
        (["--artifact", LSTM, "--input", "The boss of Tesla"], ["'boss' is not in the vocabulary of 50", "<unk>"]),
        (["--artifact", LSTM, "--input", "tesla loves Rockets"], ["'tesla'", "did you mean Tesla?"]),
        (["--artifact", LSTM, "--input", "Tesla lovess trains"], ["'lovess'", "did you mean loves?"]),
        (["--artifact", LSTM, "--input", "  "], ["--input is empty"]),
        (["--artifact", LSTM, "--input", "-1"], ["'-1' is not in the vocabulary"]),
        (["--artifact", "lstm-window", "--input", "0"], ["--artifact lstm-window", f"did you mean {LSTM}?"]),
        (["--artifact", LSTM, "--input", "0", "--method", "looks"], ["--method 'looks'", "occlusion"]),
        (["--artifact", LSTM, "--input", "0", "--samples", "1"], ["--samples"]),
    ],
)
def test_a_wrong_word_is_named(text_bundle: Path, refused: Refused, arguments: list[str], words: list[str]) -> None:
    line = refused(text_bundle, *arguments)
    for word in words:
        assert word in line


def changed(bundle: Path, folder: Path, **changes: Any) -> Path:
    """A copy of the bundle whose manifest says something else."""
    shutil.copytree(bundle, folder)
    manifest = read_manifest(folder)
    write_manifest(folder, dataclasses.replace(manifest, **changes))
    return folder


def data_of(manifest: Manifest, **changes: Any) -> Any:
    assert manifest.data is not None
    return dataclasses.replace(manifest.data, **changes)


def test_a_text_model_without_its_vocabulary(text_bundle: Path, tmp_path: Path, refused: Refused) -> None:
    manifest = read_manifest(text_bundle)
    for number, data in enumerate((data_of(manifest, vocab=None), data_of(manifest, vocab=()), None)):
        bundle = changed(text_bundle, tmp_path / str(number), data=data)
        line = refused(bundle, "--artifact", LSTM, "--input", "Tesla")
        assert "takes token ids" in line
        assert "no vocabulary" in line
        assert "array vocab" in line


def test_data_that_is_not_what_it_was(text_bundle: Path, tmp_path: Path, refused: Refused) -> None:
    data = data_of(read_manifest(text_bundle), sha256="0" * 64)
    line = refused(changed(text_bundle, tmp_path / "b", data=data), "--artifact", LSTM, "--input", "0")
    assert "--data text:remarks is not what" in line
    assert "export again" in line


def test_a_signal_is_named_by_its_number(hand_bundle: Path, refused: Refused) -> None:
    (artifact,) = read_manifest(hand_bundle).artifacts
    assert "text is for models that take tokens" in refused(hand_bundle, "--artifact", artifact.id, "--input", "Tesla")
    assert "has 0 to 7" in refused(hand_bundle, "--artifact", artifact.id, "--input", "8")


def test_what_is_no_classifier_of_sequences(hand_bundle: Path, tmp_path: Path, refused: Refused) -> None:
    (artifact,) = read_manifest(hand_bundle).artifacts
    outputs = (dataclasses.replace(artifact.outputs[0], name="y"),)
    bundle = changed(hand_bundle, tmp_path / "b", artifacts=(dataclasses.replace(artifact, outputs=outputs),))
    assert "an output called logits" in refused(bundle, "--artifact", artifact.id, "--input", "0")


def test_a_page_is_written_once(
    text_bundle: Path, tmp_path: Path, refused: Refused, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    asked = ["--artifact", LSTM, "--input", "0", "--samples", "5"]
    assert main(["explain", str(text_bundle), *asked, "--out", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "Tesla" in printed
    assert printed.splitlines()[-1] == f"report: {page}"
    before = page.read_bytes()
    assert "exists already" in refused(text_bundle, *asked, "--out", str(page))
    assert "is a folder" in refused(text_bundle, *asked, "--out", str(tmp_path))
    assert page.read_bytes() == before
    assert b"cars, likes" in before
