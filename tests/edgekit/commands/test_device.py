import json
from pathlib import Path

import pytest

from edgekit.main import main
from edgekit_targets.catalogue.load import entries

OWN = """
[devices.bench]
address = "local"
[devices.kitchen-pi]
address = "ssh://pi@kitchen"
catalogue = "raspberry-pi-5"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    return tmp_path


def test_lists_the_catalogue_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["device", "list"]) == 0
    printed = capsys.readouterr().out
    for entry in entries():
        assert f" {entry.name} " in printed
    assert "edgekit init" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert "no arm-dotprod" in printed


def test_lists_own_devices(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "edgekit.toml").write_text(OWN)
    assert main(["device", "list"]) == 0
    printed = capsys.readouterr().out
    for word in ("bench", "kitchen-pi", "ssh://pi@kitchen", str(here / "edgekit.toml")):
        assert word in printed


def test_prints_one_document_with_every_source(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "edgekit.toml").write_text(OWN)
    assert main(["device", "list", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["project"] == str(here / "edgekit.toml")
    assert document["devices"] == [
        {"name": "bench", "address": "local", "catalogue": None},
        {"name": "kitchen-pi", "address": "ssh://pi@kitchen", "catalogue": "raspberry-pi-5"},
    ]
    assert [one["name"] for one in document["catalogue"]] == [entry.name for entry in entries()]
    for one in document["catalogue"]:
        assert all(source["url"].startswith("https://") for source in one["sources"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["device"], ["command", "edgekit device --help"]), (["device", "lst"], ["lst", "edgekit device --help"])],
)
def test_a_wrong_word_is_one_line(arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    for word in words:
        assert word in printed.err
