"""The two families on real sets: at equal cost, against the baselines, and from which size on one overtakes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.rounds import figures
from edgekit.rounds.business.learning import BASELINES
from edgekit.rounds.business.sets import OnSet
from edgekit.rounds.contract import LSTM, TRANSFORMER, Family, Figure
from edgekit.rounds.equal import COSTS, Cost, Equal, Sized, at_equal, sized_of
from edgekit.rounds.training import validation
from edgekit.statistics.crossover import Point, crossing
from edgekit.statistics.proportions import Difference, Estimate
from edgekit.statistics.seeds import difference_over_seeds, pooled, share_over_seeds
from edgekit.terminal.format import number, percent
from edgekit_targets.types.manifest import REFERENCE_PAIR


def equal(on: OnSet, cost: Cost, fraction: float) -> Equal | None:
    """Both families on one fraction of a set at equal cost; None where that cost was not measured."""
    lstm, transformer = (_sized(on, fraction, family) for family in (LSTM, TRANSFORMER))
    return at_equal(cost, lstm, transformer)


def _sized(on: OnSet, fraction: float, family: str) -> list[Sized]:
    return [
        sized_of(family, one.model.size.name, one.trained, on.of(one), one.right)
        for one in on.at(fraction)
        if one.model.family == family
    ]


def deciding_cost(sets: Sequence[OnSet]) -> Cost:
    """p99 of windows; where there was no valid figure of some model, equal parameters, and that is said."""
    timed = all(equal(on, "p99 window", on.fractions[-1]) is not None for on in sets)
    return "p99 window" if timed else "parameters"


def at_end(sets: Sequence[OnSet], cost: Cost, end: int) -> list[Equal]:
    """Each set's comparison on its smallest fraction (``end`` 0) or on all of it (-1)."""
    return [one for on in sets if (one := equal(on, cost, on.fractions[end])) is not None]


def over_sets(sets: Sequence[OnSet], cost: Cost, end: int, basis: str) -> Figure:
    """The mean difference over sets, each counting the same."""
    what = "the smallest fraction" if end == 0 else "all training data"
    return figures.difference(
        f"accuracy on {what}, mean over sets, LSTM minus Transformer, at equal {cost}",
        pooled([one.difference for one in at_end(sets, cost, end)]),
        basis,
    )


def side_over_sets(sets: Sequence[OnSet], cost: Cost, end: int, family: Family) -> Estimate:
    """One family's mean accuracy over sets, of what stood for it in the comparison."""
    found = [share_over_seeds((one.first if family == LSTM else one.second).right) for one in at_end(sets, cost, end)]
    mean = pooled([Difference(one.value, one.low, one.high, None) for one in found])
    return Estimate(mean.value, max(0.0, mean.low), min(1.0, mean.high))


def equal_figures(sets: Sequence[OnSet], basis: str) -> list[Figure]:
    """Every set, fraction and cost."""
    return [
        one.figure(f"accuracy on {on.name}, {percent(fraction)} of the data, LSTM minus Transformer", basis)
        for on in sets
        for fraction in on.fractions
        for cost in COSTS
        if (one := equal(on, cost, fraction)) is not None
    ]


def against_baselines(sets: Sequence[OnSet]) -> list[Figure]:
    """Each family's best size by validation against the best baseline by validation, on all data."""
    found = []
    for on in sets:
        base = max((one for one in on.whole if one.model.family in BASELINES), key=lambda one: validation(one.trained))
        for family in REFERENCE_PAIR:
            best = max((one for one in on.whole if one.model.family == family), key=lambda one: validation(one.trained))
            found.append(
                figures.difference(
                    f"accuracy on {on.name}, all data: {best.model.name} minus the {base.model.name} baseline",
                    difference_over_seeds(best.right, base.right),
                    best.basis,
                    family,
                )
            )
    return found


def overtaking(on: OnSet, cost: Cost) -> str:
    """From how many training samples on the other family is ahead on this set, at equal cost, in a sentence."""
    points = []
    for fraction in on.fractions:
        one = equal(on, cost, fraction)
        if one is not None:
            apart = one.difference
            # crossing() compares logarithms of values with each other: of these they are the difference and zero.
            points.append(
                Point(float(on.at(fraction)[0].samples), *map(math.exp, (apart.value, apart.low, apart.high)))
            )
    met = crossing(points, [Point(one.x, 1.0, 1.0, 1.0) for one in points])
    if met is None:
        return f"{on.name}: one fraction only, so no curve"
    # The lower one is behind: what crossing() calls below is not ahead.
    ahead: dict[int | None, str | None] = {0: TRANSFORMER, 1: LSTM, None: None}
    before, after = ahead[met.below_before], ahead[met.below_after]
    if met.x is None and before is not None and before == after:
        return f"{on.name}: the {before} is ahead with little and with all data"
    if met.x is None or (before is None and after is None):
        return f"{on.name}: no crossing can be told within what was tried"
    low = "below what was tried" if met.low is None else number(met.low)
    high = "beyond what was tried" if met.high is None else number(met.high)
    overtaker = after or (TRANSFORMER if before == LSTM else LSTM)
    return f"{on.name}: the {overtaker} overtakes at {number(met.x)} samples [{low}, {high}]"
