"""How results look in a notebook: the table the command prints, in place of thousands of raw latencies.

The types themselves stay plain, since they travel to devices. IPython takes formatters for types that are not its own;
they are registered when a function of the API returns, and only where IPython is running already.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from rich.table import Table

    from edgekit_targets.types.manifest import Manifest
    from edgekit_targets.types.profile import Profile
    from edgekit_targets.types.verdict import Verdict

Result = TypeVar("Result")
_WIDTH = 100
_PRE = '<pre style="white-space:pre;overflow-x:auto;line-height:normal;font-family:monospace">{code}</pre>'


def shown(result: Result) -> Result:
    """Give back ``result``; a notebook, if this is one, knows from then on how to show its kind."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None:
        formatters = shell.display_formatter.formatters
        formatters["text/html"].for_type(type(result), html)
        formatters["text/plain"].for_type(type(result), lambda value, printer, cycle: printer.text(text(value)))
    return result


def html(result: Manifest | Profile | Verdict) -> str:
    """A result as HTML."""
    console = _console()
    _draw(console, result)
    return str(console.export_html(inline_styles=True, code_format=_PRE))


def text(result: Manifest | Profile | Verdict) -> str:
    """A result as plain text."""
    console = _console()
    _draw(console, result)
    return str(console.export_text())


def _console() -> Any:
    import io

    from rich.console import Console

    return Console(record=True, file=io.StringIO(), width=_WIDTH)


def _draw(console: Any, result: Manifest | Profile | Verdict) -> None:
    table, lines = _parts(result)
    console.print(table)
    for line in lines:
        console.print(line, markup=False, highlight=False, emoji=False)


def _parts(result: Manifest | Profile | Verdict) -> tuple[Table, list[str]]:
    from edgekit.terminal.tables import manifest_table, profile_table, verdict_table
    from edgekit_targets.types.manifest import Manifest
    from edgekit_targets.types.profile import Profile

    if isinstance(result, Manifest):
        return manifest_table(result), list(result.dropped)
    if isinstance(result, Profile):
        device = result.device
        return profile_table(result), [f"measured on: {device.name} ({device.hardware})"]
    return verdict_table(result), [result.sentence, *(f"- {reason}" for reason in result.reasons)]
