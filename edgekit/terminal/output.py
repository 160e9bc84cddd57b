"""What commands print: one JSON document, or text and tables, on stdout; remarks on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def print_json(document: Any) -> None:
    """Print exactly one JSON document on stdout."""
    from edgekit_targets.records import dumps

    print(dumps(document, indent=1))  # noqa: T201


def print_text(text: str) -> None:
    """Print one paragraph on stdout, wrapped to the terminal; no markup is read, names may hold brackets."""
    _console().print(text, markup=False, highlight=False, emoji=False)


def print_line(text: str) -> None:
    """Print one line on stdout as it is (a path, a command): never wrapped, so that it can be copied."""
    print(text)  # noqa: T201


def print_table(table: Table) -> None:
    """Print a table on stdout: at most 80 columns and no colour when piped."""
    _console().print(table)


def remark(text: str) -> None:
    """One line on stderr: a warning, or what is being done."""
    print(f"edgekit: {text}", file=sys.stderr, flush=True)  # noqa: T201


def _console() -> Any:
    from rich.console import Console

    return Console(soft_wrap=False)
