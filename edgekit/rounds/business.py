"""Round: Business context."""

from __future__ import annotations

from edgekit.rounds.context import Context
from edgekit.rounds.contract import Round

NAME = "business"
TITLE = "Business context"
CLAIM = "LSTM for small data, Transformer for large"


def play(context: Context) -> Round:
    """Play it."""
    return Round(
        name=NAME,
        title=TITLE,
        claim=CLAIM,
        winner=None,
        tie=False,
        holds=None,
        sentence="not measured yet",
        deciding=None,
        evidence=(),
    )
