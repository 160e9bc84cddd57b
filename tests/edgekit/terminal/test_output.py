import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from edgekit.terminal.output import print_json, print_line, print_table, print_text, remark


def test_text_reads_no_markup_and_lines_are_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    print_text("[bold]not bold[/bold] :smile:")
    print_line("/a/" + "long/" * 40)
    remark("a remark")
    printed = capsys.readouterr()
    assert printed.out == "[bold]not bold[/bold] :smile:\n" + "/a/" + "long/" * 40 + "\n"
    assert printed.err == "edgekit: a remark\n"


def test_a_table_fits_80_columns_without_colour_when_piped(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name", "figure")
    table.add_row("word " * 40, "1")
    print_table(table)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert "\x1b" not in printed


def test_json_is_one_document_without_nan(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": (1, 2.5)})
    assert capsys.readouterr().out == '{\n "a": [\n  1,\n  2.5\n ]\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        print_json({"a": float("nan")})


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["targets"], ["targets", "--json"]])
def test_a_full_disk_behind_stdout_is_one_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "edgekit", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "edgekit: cannot write to standard output: No space left on device\n"


def test_a_stdout_that_knows_no_symbols_gets_question_marks() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from edgekit.main import main; import sys; main(['--version']); print('≤ ✓')"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONIOENCODING": "ascii"},
    )
    assert done.stdout.splitlines()[1] == "? ?"
