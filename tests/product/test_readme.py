"""The README's commands run as they stand, in one folder; what trains is shrunk by ``--set``."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edgekit.commands import COMMANDS, GROUPS
from tests.benchmarks.common import speed_page

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


def test_the_table_of_speeds_is_what_the_bench_wrote(readme: str) -> None:
    page = speed_page.TABLE.read_text()
    assert speed_page.with_quoted(readme, page) == readme, "python -m tests.benchmarks.speed --quote makes it anew"
    assert speed_page.updated(page, {}) == page
    assert "not measured" not in speed_page.quoted(page)


def test_a_row_that_is_measured_again_replaces_itself_alone(readme: str) -> None:
    page = speed_page.TABLE.read_text()
    made = (
        "### mid, length 100, lstm\n\n- edgekit fp32 openvino / torch eager = 0.512 [0.498, 0.530], bound 1.03\n\n"
        "| **edgekit fp32 openvino** | 77 us | 0.100 [0.090, 0.110] | 1.0e-02 | 1 KiB | 0 of 3 |\n"
    )
    again = speed_page.updated(page, {"mid, length 100, lstm": made})
    assert made in again
    assert again.replace(made, "") == re.sub(r"### mid, length 100, lstm\n.*?(?=\n### )", "", page, flags=re.DOTALL)
    before, after = (speed_page.with_quoted(readme, text).splitlines() for text in (page, again))
    (changed,) = [line for old, line in zip(before, after, strict=True) if old != line]
    assert changed.startswith("| `mid`, 100 | 77 us, fp32 on OpenVINO | 0.51 [0.50, 0.53] of torch eager | ")
    with pytest.raises(ValueError, match=r"README\.md lacks"):
        speed_page.with_quoted("no comments", page)


# Run elsewhere, as they stand: on the emulated board in tests/pi/test_readme.py, on the published model in
# test_published_models.py; what ships to a board in tests/pi/test_ship.py, and tiny rounds in tests/edgekit/rounds.
PAGE = "## A Raspberry Pi, from the box to the verdict"
ELSEWHERE = ("silero_vad.onnx", "device setup pi ", "--device pi", "rounds --quick")
OWN_MODEL = """
import sys
from pathlib import Path
import numpy as np
import torch

folder = Path(sys.argv[1])
(folder / "mypackage").mkdir()
(folder / "mypackage" / "models.py").write_text('''
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(6, 8, batch_first=True)
        self.head = torch.nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])

def make_net():
    return Net(), torch.zeros(2, 10, 6)
''')
class Mean(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(6, 2)

    def forward(self, x):
        return self.head(x.mean(1))

net, example = Mean(), torch.zeros(2, 10, 6)
sizes = {"x": {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}}
torch.export.save(torch.export.export(net.eval(), (example,), dynamic_shapes=sizes), folder / "net.pt2")
draw = np.random.default_rng(0)
for_data = {f"x_{part}": draw.normal(size=(40, 10, 6)).astype("float32") for part in ("train", "test")}
labels = {f"y_{part}": np.arange(40) % 2 for part in ("train", "test")}
np.savez(folder / "mine.npz", **for_data, **labels)
"""


def chains(lines: list[str]) -> list[list[str]]:
    """Lines that name a thing in common, in their order. Neither chain looks at what another does: they run at once."""
    found: list[list[str]] = []
    for line in lines:
        together = [chain for chain in found if any(names(line) & names(other) for other in chain)]
        merged = [*(one for chain in together for one in chain), line]
        found = [chain for chain in found if chain not in together]
        found.append(sorted(merged, key=lines.index))
    return sorted(found, key=len, reverse=True)


def names(line: str) -> set[str]:
    """Of files and folders, without endings: a key pair is named once for both of its files."""
    return {word.partition(".")[0] for word in shlex.split(line)[2:] if not word.startswith("-") and "=" not in word}


def test_chains_keep_what_depends_on_each_other_together() -> None:
    lines = ["e export a --out b", "e init", "e profile b", "e compare c", "e ship b --to d", "e verify d"]
    assert chains(lines) == [[lines[0], *lines[2:3], *lines[4:]], ["e init"], ["e compare c"]]


def _elsewhere(line: str) -> bool:
    return line.endswith(" pi") or any(word in line for word in ELSEWHERE)


@pytest.mark.alone
@pytest.mark.slow
def test_the_commands_run(readme: str, edgekit: Run, tmp_path: Path, stock_exports: Callable[[Path], None]) -> None:
    stock_exports(tmp_path)
    subprocess.run([sys.executable, "-W", "ignore", "-c", OWN_MODEL, str(tmp_path)], check=True)
    before, after = readme.split(f"\n{PAGE}\n")
    there = f"{before}\n## {after.split(chr(10) + '## ', 1)[1]}"
    lines = [line for line in dict.fromkeys(commands(there)) if line.startswith("edgekit ") and not _elsewhere(line)]

    def in_order(number: int, chain: list[str]) -> None:
        for line in chain:
            arguments = shlex.split(line)[1:]
            extra = SHRUNK if "--data" in arguments else []
            done = edgekit(*arguments, *extra, cwd=tmp_path, lock=f".lock{number}")
            # A budget's answer is the machine's: 0, 3 and 4 are all answers; what cannot be picked is not shipped.
            accepted = {0, 3, 4} if "--budget" in arguments or arguments[0] == "ship" else {0}
            assert done.returncode in accepted, f"{line}\n{done.stderr}"
            assert "Traceback" not in done.stderr
            assert done.stdout.strip() or (arguments[0] == "ship" and done.returncode), line
            if arguments[0] == "ship" and done.returncode:
                break

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(in_order, *zip(*enumerate(chains(lines)), strict=True)))
    assert (tmp_path / "bundle" / "report.html").exists()
