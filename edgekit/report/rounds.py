"""The page of the rounds: the score card first, then each round with its figures and every number it rests on."""

from __future__ import annotations

from typing import Any

from edgekit.report.drawn import lines
from edgekit.report.page import environment
from edgekit.rounds.contract import Round, ScoreCard, Table
from edgekit.rounds.words import aspect_notes, aspects_table, basis_text, figure_text, verdict_of
from edgekit_targets import __version__


def render_card(card: ScoreCard) -> str:
    """The page as HTML; the same card gives the same text. Imports matplotlib, which takes a moment."""
    return (
        environment()
        .get_template("rounds.html")
        .render(
            card=card,
            heading=_heading(card),
            rounds=[_shown(one) for one in card.rounds],
            table=aspects_table(card.table),
            table_notes=aspect_notes(card.table),
            settings=[(name, _setting(value)) for name, value in card.settings.items()],
            edgekit_version=__version__,
        )
    )


def _heading(card: ScoreCard) -> str:
    wins = {family: sum(one.winner == family for one in card.rounds) for family in ("lstm", "transformer")}
    ties = sum(one.tie for one in card.rounds)
    return f"LSTM {wins['lstm']}, Transformer {wins['transformer']}, {ties} tied, on {card.device}"


def _shown(one: Round) -> dict[str, Any]:
    deciding = one.deciding
    return {
        "key": f"round-{one.name}",
        "round": one,
        "verdict": verdict_of(one),
        "deciding": None if deciding is None else f"{basis_text(deciding)}.",
        "figures": list(map(lines, one.plots)),
        "evidence": Table(
            title=f"Everything round “{one.title}” rests on",
            columns=("figure", "family", "value [95 % interval]", "rests on"),
            rows=tuple((each.what, each.family or "both", figure_text(each), each.basis) for each in one.evidence),
        ),
    }


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_setting(each)}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(map(_setting, value))
    return str(value)
