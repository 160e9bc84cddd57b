"""The verdict in Markdown (GitHub's dialect), for a pull request, a job summary or a wiki."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from edgekit.decision.baseline import headline, regression_lines
from edgekit.decision.matrix import Cell, Matrix
from edgekit.decision.setup import setup_of
from edgekit.decision.words import family_name, form_name, options_name, pace_name, precision_name, target_name
from edgekit.report.text import clean
from edgekit.terminal.format import SYMBOLS, figure, limit, margin
from edgekit_targets.types.verdict import Candidate, Choice, Verdict

NAME = "md"
_SPECIAL = re.compile(r"[\\`*{}<|~&#]|(?<!\w)_|_(?!\w)|!(?=\[)|\](?=[(\[:])|^[-+>]")
_HEADINGS = {"pick": "✓ A candidate fits", "nothing-fits": "✗ Nothing fits", "undecided": "? Undecided"}


def render(verdict: Verdict) -> str:
    """The answer first, then every candidate against every limit, the reasons, and what would change it."""
    return "\n".join(_lines(verdict))


def _lines(verdict: Verdict) -> Iterator[str]:
    tie = ", a tie" if verdict.tie else ""
    yield f"### {_HEADINGS[verdict.verdict]}{tie}: {escape(verdict.budget)} on {escape(verdict.device)}"
    yield ""
    yield escape(verdict.sentence)
    yield ""
    heads = [
        f"{limit_.name} {'≤' if limit_.upper else '≥'} {limit(limit_.name, limit_.value)}" for limit_ in verdict.limits
    ]
    yield from table(["candidate", *heads, "margin"], [_row(one, verdict) for one in verdict.candidates])
    yield ""
    for reason in verdict.reasons:
        yield f"- {escape(reason)}"
    if verdict.changes:
        yield ""
        yield "What would change it:"
        yield ""
        for change in verdict.changes:
            yield f"- {escape(change.text)}"
    if verdict.baseline is not None:
        yield ""
        yield escape(headline(verdict.baseline))
        yield ""
        for line in (*regression_lines(verdict.baseline.regressions), *verdict.baseline.notes):
            yield f"- {escape(line)}"


def render_matrix(found: Matrix) -> str:
    """Devices by budgets, the pick in each cell; blank where nothing was measured."""
    rows = [
        [escape(device), *(escape(cell_text(found.cell(device, budget))) for budget in found.budgets)]
        for device in found.devices
    ]
    lines = list(table(["device", *map(escape, found.budgets)], rows))
    lines.append("")
    lines += [
        f"- {escape(name)}: {escape(limits)}"
        for name, limits in zip(found.budgets, found.limits, strict=True)
        if name != limits
    ]
    return "\n".join(lines).rstrip()


def cell_text(cell: Cell) -> str:
    """What stands in a cell of the matrix: the pick, that nothing fits or is undecided, or nothing at all."""
    if cell.verdict is None:
        return ""
    if cell.choice is None:
        return "nothing fits" if cell.verdict == "nothing-fits" else "undecided"
    one = cell.choice
    parts = [family_name(one.family), precision_name(one.precision), *(["stream"] if one.mode == "stream" else [])]
    return f"{', '.join(parts)} on {target_name(one.target)}, {_how(one)}" + (" (a tie)" if cell.tie else "")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table; its cells are escaped already."""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def escape(text: str) -> str:
    """Text that is shown as it is: on one line, with nothing that Markdown or HTML would read."""
    # An @ would call somebody; no backslash keeps GitHub from that.
    return _SPECIAL.sub(lambda match: f"\\{match[0]}", clean(text)).replace("@", "&#64;")


def _how(one: Candidate | Choice) -> str:
    pace = pace_name(one.every_seconds)
    return options_name(one) + (f", {pace}" if pace else "")


def _row(one: Candidate, verdict: Verdict) -> list[str]:
    picked = verdict.choice is not None and setup_of(one) == setup_of(verdict.choice)
    name = escape(f"{family_name(one.family)}, {form_name(one)}, on {target_name(one.target)}, {_how(one)}")
    name = f"**{name}** (the pick)" if picked else name
    cells = [
        f"{SYMBOLS[found.status]} {escape(figure(found.name, found.value, found.low, found.high))}"
        for found in one.constraints
    ]
    return [name + ("" if one.valid else " (not valid)"), *cells, margin(one.margin)]
