"""Round: Future-proofing and the edge."""

from __future__ import annotations

from edgekit.rounds.context import Context
from edgekit.rounds.contract import Round

NAME = "edge"
TITLE = "Future-proofing and the edge"
CLAIM = "LSTM for low-latency devices"


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
