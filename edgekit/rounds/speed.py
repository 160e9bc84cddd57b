"""Round: Computation speed."""

from __future__ import annotations

from edgekit.rounds.context import Context
from edgekit.rounds.contract import Round

NAME = "speed"
TITLE = "Computation speed"
CLAIM = "the Transformer is parallel, the LSTM sequential"


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
