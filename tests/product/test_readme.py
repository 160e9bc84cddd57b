"""The README's commands run as they stand, in order, in one folder; what trains is shrunk by ``--set``."""

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.commands import COMMANDS, GROUPS

Run = Callable[..., subprocess.CompletedProcess[str]]

SHRUNK = ["--set", "epochs=2", "--set", "lstm.hidden=8", "--set", "transformer.layers=1", "--set", "transformer.dim=16"]


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text()


def commands(readme: str) -> list[str]:
    return re.findall(r"^\$ (.+)$", readme, flags=re.MULTILINE)


def test_every_command_is_shown(readme: str) -> None:
    shown = {shlex.split(line)[1] for line in commands(readme) if line.startswith("edgekit ")}
    assert shown == {command.NAME for command in (*COMMANDS, *GROUPS)}


def test_only_known_programs_are_shown(readme: str) -> None:
    assert {shlex.split(line)[0] for line in commands(readme)} <= {"edgekit", "make", "pip"}


def test_every_install_line_of_the_project_names_the_distribution(root: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True, cwd=root).stdout.split(
        "\n"
    )
    for name in filter(None, tracked):
        if name.startswith(("tests/", "Makefile")):
            continue
        for line in (root / name).read_text(encoding="utf-8").splitlines():
            for target in re.findall(r"pip install +[\"']?(edgekit[^\s\"'\[]*)", line):
                assert target == "edgekit-onnx", f"{name}: {line}"


@pytest.mark.slow
def test_the_commands_run(readme: str, edgekit: Run, tmp_path: Path, stock_exports: Callable[[Path], None]) -> None:
    stock_exports(tmp_path)
    for line in commands(readme):
        program, *arguments = shlex.split(line)
        if program != "edgekit":
            continue
        extra = SHRUNK if "--data" in arguments else []
        done = edgekit(*arguments, *extra, cwd=tmp_path)
        # A budget's answer is the machine's: 0, 3 and 4 are all answers.
        accepted = {0, 3, 4} if "--budget" in arguments else {0}
        assert done.returncode in accepted, f"{line}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        assert done.stdout.strip(), line
    assert (tmp_path / "bundle" / "report.html").exists()
