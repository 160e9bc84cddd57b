"""An explanation in the terminal."""

from __future__ import annotations

from rich import box
from rich.markup import escape
from rich.table import Table

from edgekit.explaining.contract import METHODS, Explanation
from edgekit.explaining.words import answer_text, score_text, standing
from edgekit.report.text import clean
from edgekit.terminal.format import number
from edgekit.terminal.output import print_table, print_text

_MOST = 16


def print_explanation(found: Explanation) -> None:
    """Print the answer, what each step counts for, and how faithful that is."""
    print_text(f"{clean(found.sample)}: {clean(answer_text(found))}")
    print_table(_steps(found))
    for one in found.faithfulness:
        print_text(
            f"{METHODS[one.method]}: faithfulness {score_text(one)}, {one.samples} samples; a random order has 0"
        )
    for line in filter(None, map(standing, found.faithfulness)):
        print_text(line)


def _steps(found: Explanation) -> Table:
    """All steps of a short sample; of a long one those that count most by any method, in their order."""
    shown = list(range(len(found.labels)))
    if len(shown) > _MOST:
        each = -(-_MOST // len(found.attributions))
        top = (sorted(shown, key=lambda index: -one.values[index])[:each] for one in found.attributions)
        shown = sorted({index for indices in top for index in indices})
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("step" if len(shown) == len(found.labels) else f"step ({len(shown)} of {len(found.labels)})")
    for one in found.attributions:
        table.add_column(f"{METHODS[one.method]} (%)", justify="right")
    for index in shown:
        values = (number(100.0 * one.values[index]) for one in found.attributions)
        table.add_row(escape(clean(found.labels[index])), *values)
    return table
