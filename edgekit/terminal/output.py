"""What commands print: one JSON document, or text and tables, on stdout; remarks on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edgekit_targets.errors import WriteFailed

if TYPE_CHECKING:
    from rich.table import Table


def print_json(document: Any) -> None:
    """Print exactly one JSON document on stdout."""
    from edgekit_targets.records import dumps

    print_line(dumps(document, indent=1))


def print_text(text: str) -> None:
    """Print one paragraph on stdout, wrapped to the terminal; no markup is read, names may hold brackets."""
    with _printing():
        _console().print(text, markup=False, highlight=False, emoji=False)


def print_line(text: str) -> None:
    """Print one line on stdout as it is (a path, a command): never wrapped, so that it can be copied."""
    with _printing():
        print(text)  # noqa: T201


def print_table(table: Table) -> None:
    """Print a table on stdout: at most 80 columns and no colour when piped."""
    with _printing():
        _console().print(table)


def remark(text: str) -> None:
    """One line on stderr: a warning, or what is being done."""
    print(f"edgekit: {text}", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def _printing() -> Iterator[None]:
    """What is printed is out when this ends.

    Raises:
        WriteFailed: stdout goes to a file on a full disk, or the like.
        BrokenPipeError: its reader went away; that is for :func:`edgekit.main.main`.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WriteFailed(f"cannot write to standard output: {error.strerror}") from error


def _console() -> Any:
    from rich.console import Console

    return Console(soft_wrap=False)
