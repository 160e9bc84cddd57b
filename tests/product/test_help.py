"""``--help`` of every command: it runs, says what the command does and gives an example that parses."""

import shlex

import pytest

from edgekit.commands import COMMANDS
from edgekit.main import main

NAMES = [command.NAME for command in COMMANDS]


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_the_program_names_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    for name in NAMES:
        assert f"  {name} " in printed


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    (command,) = (command for command in COMMANDS if name == command.NAME)
    assert command.run.__doc__ is not None
    assert command.run.__doc__.split("\n")[0] in printed
    assert f"Example: {command.EXAMPLE}" in printed


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_the_example_uses_options_that_exist(command: object, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command.EXAMPLE)  # type: ignore[attr-defined]
    assert words[0] == "edgekit"
    main([words[1], "--help"])
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
