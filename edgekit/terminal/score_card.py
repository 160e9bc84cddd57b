"""The score card of the rounds in the terminal."""

from __future__ import annotations

from rich import box
from rich.markup import escape
from rich.table import Table

from edgekit.rounds.contract import ScoreCard
from edgekit.rounds.contract import Table as Rows
from edgekit.rounds.words import aspects_table, figure_text, verdict_of
from edgekit.terminal.output import print_line, print_table, print_text


def print_card(card: ScoreCard) -> None:
    """Print every round, then the closing table, then the claims that did not hold."""
    if card.quick:
        print_text("A quick run: fewer seeds, sizes and distances than a full one; its intervals are wide.")
    for number, one in enumerate(card.rounds, 1):
        print_line("")
        print_text(f"Round {number}: {one.title} – “{one.claim}”")
        print_text(f"  {verdict_of(one)}: {one.sentence}")
        if one.deciding is not None:
            print_text(f"  decided by {one.deciding.what}: {figure_text(one.deciding)} ({one.deciding.basis})")
        for table in one.tables:
            print_table(rows_table(table))
        for note in one.notes:
            print_text(f"  - {note}")
    print_line("")
    print_table(rows_table(aspects_table(card.table)))
    for line in card.not_held:
        print_text(f"- {line}")


def rows_table(rows: Rows) -> Table:
    """A round's own table."""
    table = Table(
        title=escape(rows.title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for name in rows.columns:
        table.add_column(escape(name), overflow="fold")
    for row in rows.rows:
        table.add_row(*(escape(cell) for cell in row))
    return table
