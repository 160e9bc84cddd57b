"""Round 4, business context: what each family makes of little and of much data, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgekit.rounds import figures
from edgekit.rounds.business import costs
from edgekit.rounds.business.comparing import (
    against_baselines,
    deciding_cost,
    equal_figures,
    over_sets,
    overtaking,
    side_over_sets,
)
from edgekit.rounds.business.learning import BASELINES, check_sets, stem_of
from edgekit.rounds.business.sets import OnSet, on_set
from edgekit.rounds.business.shown import curve_plot, curve_table, equal_table, length_table
from edgekit.rounds.context import Context
from edgekit.rounds.contract import LSTM, TRANSFORMER, Aspect, Family, Figure, Round
from edgekit.rounds.effort import Size
from edgekit.rounds.equal import Cost
from edgekit.rounds.forecast import Stages, exporting, measuring, training
from edgekit.rounds.words import figure_text
from edgekit_targets.types.manifest import MODES, REFERENCE_PAIR

if TYPE_CHECKING:
    from edgekit_export.data.contract import Dataset

NAME = "business"
TITLE = "Business context"
CLAIM = "LSTM for small data, Transformer for large"


def check(context: Context) -> None:
    """Refuse sets that cannot be used.

    Raises:
        InputError: as :func:`edgekit.rounds.business.learning.check_sets`.
    """
    check_sets(context)


def stages(context: Context) -> Stages:
    """What is done, and about how long it takes; baselines are a small part of it."""
    effort, pair = context.effort, len(REFERENCE_PAIR) * len(MODES)
    learned = sum(effort.fractions) * effort.seeds_learning
    found: dict[str, float] = {}
    for data in effort.data:
        dataset = context.load(data, 0)

        def taken(sizes: Sequence[Size], share: float = 1.0, dataset: Dataset = dataset) -> float:
            return sum(training(context, size, round(share * dataset.length), len(dataset.x_train)) for size in sizes)

        shorter = sum(taken(effort.sizes[-1:], share) for share in effort.shares if share < 1.0)
        found |= {
            f"{data}: step sizes": len(effort.learning_rates) * taken(effort.sizes),
            f"{data}: learning curves": learned * taken(effort.sizes) + effort.seeds_beside * shorter,
            f"{data}: export": exporting(context, pair * len(effort.sizes) + len(BASELINES)),
        }
        for size in effort.sizes:
            files = pair + (len(BASELINES) if size is effort.sizes[0] else 0)
            found[f"measure {stem_of(data)}-{size.name}"] = measuring(effort.targets, files, effort.plan)
    return found


def play(context: Context) -> Round:
    """Train on fractions of every set; compare within the same p99; tell costs, with the baselines beside.

    The claim holds where the LSTM is ahead at the smallest fraction and the Transformer with all data, over all sets. A
    family wins where it is ahead at one end and not behind at the other.

    Raises:
        InputError: a set with too few samples for its classes.
    """
    sets = [on_set(context, data) for data in context.effort.data]
    cost = deciding_cost(sets)
    basis = f"{context.effort.seeds_learning} seeds, {len(context.effort.sizes)} sizes, {len(sets)} sets"
    small, large = (over_sets(sets, cost, end, basis) for end in (0, -1))
    ahead_small, ahead_large = figures.ahead(small.low, small.high), figures.ahead(large.low, large.high)
    winner = _winner(ahead_small, ahead_large)
    return Round(
        name=NAME,
        title=TITLE,
        claim=CLAIM,
        winner=winner,
        tie=winner is None,
        holds=ahead_small == LSTM and ahead_large == TRANSFORMER,
        sentence=_sentence(sets, small, large, cost),
        deciding=small if ahead_large is None and ahead_small is not None else large,
        evidence=(
            small,
            large,
            *equal_figures(sets, basis),
            *_accuracies(sets),
            *against_baselines(sets),
            *costs.figures_of(sets),
        ),
        tables=(*map(curve_table, sets), equal_table(sets), costs.table(sets), length_table(sets)),
        plots=tuple(curve_plot(one, cost) for one in sets),
        aspects=(
            _aspect(sets, "small data", 0, cost, small, ahead_small),
            _aspect(sets, "large data", -1, cost, large, ahead_large),
            *costs.aspects(sets[0], context.effort.sizes[-1]),
        ),
        notes=_notes(context, sets, cost),
    )


def _winner(small: Family | None, large: Family | None) -> Family | None:
    if small is None or large is None:
        return small or large
    return small if small == large else None


def _accuracies(sets: Sequence[OnSet]) -> list[Figure]:
    return [
        figures.share(
            f"accuracy of {one.model.name} on {on.name}, {one.samples} training samples",
            one.model.family,
            one.accuracy,
            one.basis,
        )
        for on in sets
        for one in on.learned
    ]


def _sentence(sets: Sequence[OnSet], small: Figure, large: Figure, cost: Cost) -> str:
    behind = [figure.what for figure in against_baselines(sets) if figure.high is not None and figure.high < 0.0]
    base = (
        f" A baseline is ahead of a family in {len(behind)} of {2 * len(sets)} cases, which then should not be shipped."
        if behind
        else " No baseline is ahead of either family beyond chance."
    )
    return (
        f"At equal {cost} the LSTM's accuracy minus the Transformer's is {figure_text(small)} on the smallest fraction "
        f"and {figure_text(large)} on all data. {'; '.join(overtaking(on, cost) for on in sets)}.{base}"
    )


def _aspect(sets: Sequence[OnSet], name: str, end: int, cost: Cost, deciding: Figure, winner: Family | None) -> Aspect:
    lstm, transformer = (
        figures.share(
            f"accuracy on {name}, mean over sets", family, side_over_sets(sets, cost, end, family), deciding.basis
        )
        for family in (LSTM, TRANSFORMER)
    )
    return Aspect(
        name=f"{name}: accuracy, mean over {len(sets)} sets",
        lstm=lstm,
        transformer=transformer,
        winner=winner,
        difference=deciding,
        note=f"at equal {cost}; difference {figure_text(deciding)}",
    )


def _notes(context: Context, sets: Sequence[OnSet], cost: Cost) -> tuple[str, ...]:
    effort = context.effort
    notes = [f"Skipped: {line}." for on in sets for line in on.skipped]
    if cost != "p99 window":
        notes.append(
            "Some p99 has no valid figure (its measuring was disturbed), so families are compared at equal parameters; "
            "run again with --force to measure what is missing."
        )
    notes.append(
        f"{len(effort.learning_rates)} step sizes were tried for each family, size and set, baselines included, on the "
        "validation part of seed 0 with all data; every seed has its own split, order and weights, and the same test "
        "part."
    )
    notes.append(
        "Fractions count the training part, of which some validates; the Transformer's window spans the sequence. "
        f"Shorter sequences were trained with {effort.seeds_beside} seeds."
    )
    return tuple(notes)
