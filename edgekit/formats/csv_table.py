"""Every candidate as a line of CSV (RFC 4180): figures in SI units and unrounded, empty where not measured."""

from __future__ import annotations

import csv
import io

from edgekit.decision.setup import setup_of
from edgekit.report.text import clean
from edgekit_targets.types.verdict import Constraint, Verdict

NAME = "csv"
_OWN = (
    "artifact",
    "family",
    "mode",
    "precision",
    "target",
    "threads",
    "spinning",
    "arena",
    "every_seconds",
    "status",
    "valid",
    "margin",
)


def render(verdict: Verdict) -> str:
    """A header and a line for each candidate; for each limit its value, interval, limit and status."""
    stream = io.StringIO(newline="")
    lines = csv.writer(stream, lineterminator="\n")
    limits = [limit.name for limit in verdict.limits]
    ends = ("", "_low", "_high", "_limit", "_status")
    lines.writerow([*_OWN, "picked", *(f"{name}{end}" for name in limits for end in ends)])
    picked = setup_of(verdict.choice) if verdict.choice is not None else None
    for one in verdict.candidates:
        found = {constraint.name: constraint for constraint in one.constraints}
        cells = [_cell(getattr(one, name)) for name in _OWN]
        judged = [cell for name in limits for cell in _limit(found[name])]
        lines.writerow([*cells, _cell(setup_of(one) == picked), *judged])
    return stream.getvalue().rstrip("\n")


def _limit(found: Constraint) -> list[str]:
    return [_cell(value) for value in (found.value, found.low, found.high, found.limit, found.status)]


def _cell(value: object) -> str:
    """A number as Python writes it back; a name that a spreadsheet would take for a formula gets a quote before it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = clean(value)
        return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
    return repr(value)
