"""How ``pick`` and ``compare`` show a verdict and end."""

from __future__ import annotations

from edgekit.decision.baseline import headline, regression_lines
from edgekit.terminal.output import print_table, print_text
from edgekit.terminal.tables import verdict_table
from edgekit_targets.errors import NothingFits, Undecided
from edgekit_targets.types.comparison import Baseline
from edgekit_targets.types.verdict import Outcome, Verdict

EXIT_CODES: dict[Outcome, int] = {
    "pick": 0,
    "nothing-fits": NothingFits.exit_code,
    "undecided": Undecided.exit_code,
}


def print_verdict(verdict: Verdict) -> None:
    """The table, the sentence, the reasons, and what would change them."""
    print_table(verdict_table(verdict))
    print_text(verdict.sentence)
    for reason in verdict.reasons:
        print_text(f"- {reason}")
    if verdict.changes:
        print_text("What would change it:")
    for change in verdict.changes:
        print_text(f"- {change.text}")
    if verdict.baseline is not None:
        _print_baseline(verdict.baseline)


def _print_baseline(found: Baseline) -> None:
    print_text(headline(found))
    for line in (*regression_lines(found.regressions), *found.notes):
        print_text(f"- {line}")
