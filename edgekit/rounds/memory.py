"""Round: Memory power."""

from __future__ import annotations

from edgekit.rounds.context import Context
from edgekit.rounds.contract import Round

NAME = "memory"
TITLE = "Memory power"
CLAIM = "the LSTM keeps a state; the Transformer looks at everything"


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
