"""The ``edgekit`` command: which commands there are, and how every one of them ends.

Nothing heavy is imported here: a command imports what it needs when it runs, so ``edgekit --help`` answers at once.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from edgekit.commands import COMMANDS, GROUPS
from edgekit.terminal.interrupt import heard
from edgekit_targets import __version__
from edgekit_targets.errors import EdgekitError

INTERRUPTED = 130

app = typer.Typer(name="edgekit", add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
for command in COMMANDS:
    app.command(name=command.NAME, epilog=f"Example: {command.EXAMPLE}")(command.run)
for group in GROUPS:
    inner = typer.Typer(name=group.NAME, help=group.HELP, rich_markup_mode=None)
    inner.callback()(lambda: None)  # so that a group of one command still takes its name
    for command in group.COMMANDS:
        inner.command(name=command.NAME, epilog=f"Example: {command.EXAMPLE}")(command.run)
    app.add_typer(inner)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"edgekit {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """LSTM or Transformer? Settle it per device budget, with evidence, and ship the ONNX file that was measured."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see ``edgekit_targets.errors`` for the codes)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal or pipe that knows no "≤" gets a "?" for it, not a traceback.
            stream.reconfigure(errors="replace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=given or ["--help"], prog_name="edgekit", standalone_mode=False)
    except EdgekitError as error:
        return _end(str(error), error.exit_code)
    except typer.TyperException as error:
        return _end(f"{error.format_message()} (see: edgekit {_command(given)}--help)", error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (edgekit ... | head): not an error, and nothing more can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if code == INTERRUPTED or heard():
        return _end("interrupted; what was measured is kept", INTERRUPTED)
    return code if isinstance(code, int) else 0


def _end(message: str, code: int) -> int:
    line = " ".join(message.split())
    print(f"edgekit: {line}", file=sys.stderr)  # noqa: T201
    return code


def _command(given: Sequence[str]) -> str:
    """The command the user meant, for the hint: the first word that is one."""
    names = [command.NAME for command in (*COMMANDS, *GROUPS)]
    return next((f"{word} " for word in given if word in names), "")
