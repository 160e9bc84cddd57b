"""``--help`` of every command: it runs, says what the command does and gives an example that parses."""

import shlex

import pytest

from edgekit.commands import COMMANDS, GROUPS
from edgekit.main import main

NAMES = [command.NAME for command in (*COMMANDS, *GROUPS)]
ALL = {command.NAME: command for command in COMMANDS} | {
    f"{group.NAME} {command.NAME}": command for group in GROUPS for command in group.COMMANDS
}


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_the_program_names_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    for name in NAMES:
        assert f"  {name} " in printed


@pytest.mark.parametrize("name", ALL)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*name.split(), "--help"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    command = ALL[name]
    assert command.run.__doc__ is not None
    assert command.run.__doc__.split("\n")[0] in printed
    assert f"Example: {command.EXAMPLE}" in printed


@pytest.mark.parametrize("name", ALL)
def test_the_example_uses_options_that_exist(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(ALL[name].EXAMPLE)
    assert words[: 1 + len(name.split())] == ["edgekit", *name.split()]
    main([*name.split(), "--help"])
    printed = capsys.readouterr().out
    for option in (word for word in words if word.startswith("--")):
        assert option in printed


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from edgekit_targets import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"edgekit {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "nonsense"),
        (["pick"], "BUNDLE"),
        (["pick", "b", "--speed"], "--speed"),
        (["pick", "b", "--batch", "0"], "--batch"),
        (["pick", "b", "--batch", "x"], "--batch"),
        (["export"], "--out"),
    ],
)
def test_a_wrong_option_is_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert words in printed.err
    assert "--help" in printed.err


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.NAME)
def test_every_group_names_its_commands(group: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([group.NAME, "--help"]) == 0  # type: ignore[attr-defined]
    printed = capsys.readouterr().out
    for command in group.COMMANDS:  # type: ignore[attr-defined]
        assert f"  {command.NAME} " in printed


def test_where_the_project_is_looked_for_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--help"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "in the working directory and upwards, to the root of the repository or your home" in printed
