"""All rounds of a run, and the score card that they make."""

from __future__ import annotations

import dataclasses
from collections import ChainMap
from typing import Any

from edgekit.documents import now
from edgekit.rounds import ROUNDS
from edgekit.rounds.context import Context
from edgekit.rounds.contract import SCHEMA_VERSION, Round, ScoreCard
from edgekit.rounds.effort import FEWEST_SEEDS, Effort
from edgekit.rounds.forecast import Forecast, about
from edgekit.rounds.words import figure_text, verdict_of
from edgekit_targets import __version__
from edgekit_targets.errors import InputError

CARD = "rounds.json"


def check(effort: Effort) -> None:
    """Refuse what no sentence about families can rest on.

    Raises:
        InputError: too few seeds.
    """
    if effort.fewest_seeds < FEWEST_SEEDS:
        raise InputError(
            f"--seeds {effort.fewest_seeds}: a sentence about families needs {FEWEST_SEEDS} seeds or more; with fewer "
            "there is no interval worth the name"
        )


def play_all(context: Context) -> ScoreCard:
    """Play every round in order.

    Raises:
        InputError: data or settings that a round cannot do with.
    """
    check(context.effort)
    for one in ROUNDS:
        one.check(context)
    stages = [one.stages(context) for one in ROUNDS]
    forecast = Forecast(dict(ChainMap(*map(dict, stages))), context.progress)
    watched = dataclasses.replace(context, progress=forecast)
    rounds: list[Round] = []
    most = "at most " if context.work.pieces else ""  # what an earlier run did shows as it is met
    for number, (one, its) in enumerate(zip(ROUNDS, stages, strict=True), 1):
        context.tell(f"round {number} of {len(ROUNDS)}, {one.TITLE}: {most}{about(forecast.left())} to the end")
        rounds.append(one.play(watched))
        forecast.finish(its)
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
            f"{one.title}: “{one.claim}” {'did not hold' if one.winner is not None else 'was not shown'} here "
            f"({verdict_of(one)}{'' if one.deciding is None else f'; {figure_text(one.deciding)}'})."
            for one in rounds
            if one.holds is False
        ),
    )


def _settings(context: Context) -> dict[str, Any]:
    found = dataclasses.asdict(context.effort)
    found["budgets"] = {budget.name: str(budget) for budget in context.budgets}
    return found
