"""The score card of the rounds in the terminal."""

from __future__ import annotations

from rich import box
from rich.markup import escape
from rich.table import Table

from edgekit.rounds.contract import ScoreCard
from edgekit.rounds.contract import Table as Rows
from edgekit.rounds.words import aspect_notes, aspects_table, basis_text, verdict_of
from edgekit.terminal.output import print_line, print_table, print_text

_WORD, _LINE = 13, 70
"""Columns give way to one another down to words of this length, or to their part of a narrow line."""


def print_card(card: ScoreCard) -> None:
    """Print every round, then the closing table, then the claims that did not hold."""
    if card.quick:
        print_text("A quick run: fewer seeds, sizes and distances than a full one; its intervals are wide.")
    for number, one in enumerate(card.rounds, 1):
        print_line("")
        print_text(f"Round {number}: {one.title} – “{one.claim}”")
        print_text(f"  {verdict_of(one)}: {one.sentence}")
        if one.deciding is not None:
            print_text(f"  decided by {basis_text(one.deciding)}")
        for table in one.tables:
            print_table(rows_table(table))
        for note in one.notes:
            print_text(f"  - {note}")
    print_line("")
    print_table(rows_table(aspects_table(card.table)))
    for note in aspect_notes(card.table):
        print_text(f"  - {note}")
    if card.not_held:
        print_line("")
        print_text("Where the usual claim did not hold:")
    for line in card.not_held:
        print_text(f"  - {line}")


def rows_table(rows: Rows) -> Table:
    """A round's own table."""
    table = Table(
        title=escape(rows.title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for index, name in enumerate(rows.columns):
        words = [word for cell in (name, *(row[index] for row in rows.rows)) for word in cell.split()]
        least = max((len(word) for word in words if len(word) <= _WORD), default=1)
        least = min(least, _LINE // len(rows.columns))
        table.add_column(escape(name), overflow="fold", min_width=least)
    for row in rows.rows:
        table.add_row(*(escape(cell) for cell in row))
    return table
