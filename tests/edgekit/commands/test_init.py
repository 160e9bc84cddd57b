import json
from pathlib import Path

import pytest

from edgekit.main import main
from edgekit.project.load import load_project


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_writes_a_file_that_loads(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert capsys.readouterr().out == f"project: {here / 'edgekit.toml'}\n"
    assert load_project().path == here / "edgekit.toml"


def test_never_overwrites_without_force(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "edgekit.toml").write_text("# mine\n")
    assert main(["init"]) == 2
    assert "--force" in capsys.readouterr().err
    assert (here / "edgekit.toml").read_text() == "# mine\n"
    assert main(["init", "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["project"] == str(here / "edgekit.toml")
    assert "[budgets.gesture]" in (here / "edgekit.toml").read_text()


def test_leaves_a_folder_and_a_dangling_link_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "edgekit.toml").mkdir()
    assert main(["init", "--force"]) == 2
    assert "is a folder" in capsys.readouterr().err
    (here / "edgekit.toml").rmdir()
    (here / "edgekit.toml").symlink_to(here / "nowhere")
    assert main(["init"]) == 2
    assert not (here / "nowhere").exists()
