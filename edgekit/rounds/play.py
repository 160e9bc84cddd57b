"""All rounds of a run, and the score card that they make."""

from __future__ import annotations

import dataclasses
from typing import Any

from edgekit.documents import now
from edgekit.rounds import ROUNDS
from edgekit.rounds.context import Context
from edgekit.rounds.contract import SCHEMA_VERSION, Round, ScoreCard
from edgekit.rounds.effort import FEWEST_SEEDS, Effort
from edgekit_targets import __version__
from edgekit_targets.errors import InputError

CARD = "rounds.json"


def check(effort: Effort) -> None:
    """Refuse what no sentence about families can rest on.

    Raises:
        InputError: too few seeds.
    """
    if effort.seeds < FEWEST_SEEDS:
        raise InputError(
            f"--seeds {effort.seeds}: a sentence about families needs {FEWEST_SEEDS} seeds or more; with fewer there "
            "is no interval worth the name"
        )


def play_all(context: Context) -> ScoreCard:
    """Play every round in order.

    Raises:
        InputError: data or settings that a round cannot do with.
    """
    check(context.effort)
    for one in ROUNDS:
        one.check(context)
    rounds: list[Round] = []
    for index, one in enumerate(ROUNDS):
        context.progress("rounds", index, len(ROUNDS))
        rounds.append(one.play(context))
    context.progress("rounds", len(ROUNDS), len(ROUNDS))
    return card(context, rounds)


def card(context: Context, rounds: list[Round]) -> ScoreCard:
    """What all rounds say together."""
    return ScoreCard(
        schema_version=SCHEMA_VERSION,
        edgekit_version=__version__,
        created=now(),
        quick=context.effort.quick,
        device=context.device,
        settings=_settings(context),
        rounds=tuple(rounds),
        table=tuple(aspect for one in rounds for aspect in one.aspects),
        not_held=tuple(
            f"“{one.claim}” {'did not hold' if one.winner is not None else 'was not shown'} here: {one.sentence}"
            for one in rounds
            if one.holds is False
        ),
    )


def _settings(context: Context) -> dict[str, Any]:
    found = dataclasses.asdict(context.effort)
    found["budgets"] = {budget.name: str(budget) for budget in context.budgets}
    return found
