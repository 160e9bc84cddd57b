"""Round 4, business context: what each family makes of little and of much data, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgekit.rounds import figures
from edgekit.rounds.business import costs
from edgekit.rounds.business.learning import BASELINES, Learned, Model, bundle_of, check_sets, jobs, learn, models
from edgekit.rounds.context import Context
from edgekit.rounds.contract import LSTM, TRANSFORMER, Aspect, Curve, Family, Figure, Plot, Round, Table
from edgekit.rounds.equal import COSTS, Cost, Equal, Sized, at_equal
from edgekit.rounds.timing import measure, p99_of
from edgekit.rounds.training import train_all, training_seconds, validation
from edgekit.rounds.words import figure_text
from edgekit.statistics.crossover import Point, crossing
from edgekit.statistics.proportions import Estimate
from edgekit.statistics.seeds import difference_over_seeds, pooled
from edgekit.terminal.format import interval, number, percent
from edgekit_targets.types.manifest import REFERENCE_PAIR
from edgekit_targets.types.profile import Measurement

NAME = "business"
TITLE = "Business context"
CLAIM = "LSTM for small data, Transformer for large"


@dataclass(frozen=True, kw_only=True, eq=False)
class OnSet:
    """Everything about one data set. ``learned`` and ``shorter`` hold every model; ``skipped`` says what was not."""

    data: str
    learned: Sequence[Learned]
    shorter: Sequence[Learned]
    measured: Mapping[str, Sequence[Measurement]]
    """By the size whose bundle it is of."""
    sizes_bytes: Mapping[tuple[str, str], int]
    """Of the fp32 window file, by family and size."""
    skipped: Sequence[str]

    @property
    def name(self) -> str:
        """Without where it comes from."""
        return self.data.rpartition(":")[2]

    def at(self, fraction: float) -> list[Learned]:
        """Every model trained on that share."""
        return [one for one in self.learned if one.fraction == fraction]

    def of(self, one: Learned) -> Sequence[Measurement]:
        """What was measured of its file."""
        size = one.model.size.name
        return self.measured.get(size) or next(iter(self.measured.values()))

    @property
    def fractions(self) -> list[float]:
        """Those that were not skipped, ascending."""
        return sorted({one.fraction for one in self.learned})


def check(context: Context) -> None:
    """Refuse sets that cannot be used.

    Raises:
        InputError: as :func:`edgekit.rounds.business.learning.check_sets`.
    """
    check_sets(context)


def play(context: Context) -> Round:
    """Train on fractions of every set; compare within the same p99; tell costs, with the baselines beside.

    The claim holds where the LSTM is ahead at the smallest fraction and the Transformer with all data, over all sets. A
    family wins where it is ahead at one end and not behind at the other.

    Raises:
        InputError: a set with too few samples for its classes.
    """
    sets = [_on_set(context, data) for data in context.effort.data]
    cost = _deciding_cost(sets)
    basis = f"{context.effort.seeds} seeds, {len(context.effort.sizes)} sizes, {len(sets)} sets"
    small, large = (_pooled(sets, cost, end, basis) for end in ("smallest", "whole"))
    ahead_small, ahead_large = figures.ahead(small.low, small.high), figures.ahead(large.low, large.high)
    winner = _winner(ahead_small, ahead_large)
    cost_figures = costs.figures_of(sets, context.effort.sizes[-1])
    return Round(
        name=NAME,
        title=TITLE,
        claim=CLAIM,
        winner=winner,
        tie=winner is None,
        holds=ahead_small == LSTM and ahead_large == TRANSFORMER,
        sentence=_sentence(sets, small, large, cost),
        deciding=large,
        evidence=(
            small,
            large,
            *_equal_figures(sets, basis),
            *_accuracies(sets),
            *_against_baselines(sets),
            *cost_figures,
        ),
        tables=(
            *(_curve_table(context, one) for one in sets),
            _equal_table(sets),
            costs.table(sets),
            _length_table(sets),
        ),
        plots=tuple(_plot(one, cost) for one in sets),
        aspects=(
            _aspect(sets, "small data", "smallest", cost, small, ahead_small),
            _aspect(sets, "large data", "whole", cost, large, ahead_large),
            *costs.aspects(cost_figures),
        ),
        notes=_notes(context, sets, cost),
    )


def _on_set(context: Context, data: str) -> OnSet:
    effort = context.effort
    found = models(context, data)
    largest = [model for model in found if model.size is effort.sizes[-1] or model.family in BASELINES]
    wanted = [(model, fraction, 1.0) for fraction in effort.fractions for model in found]
    wanted += [(model, 1.0, share) for share in effort.shares for model in largest]
    train_all(context, [job for one in wanted for job in jobs(context, *one) or ()], f"{data}: learning curves")
    learned, skipped = [], []
    for fraction in effort.fractions:
        of_fraction = [one for model in found if (one := learn(context, model, fraction)) is not None]
        if len(of_fraction) < len(found):
            skipped.append(
                f"{data} at {percent(fraction)} of the training data: a class has no sample left to learn from"
            )
        else:
            learned += of_fraction
    shorter = [one for share in effort.shares for model in largest if (one := learn(context, model, 1.0, share))]
    measured, sizes = {}, {}
    for size in effort.sizes:
        bundle = bundle_of(context, found, size)
        measured[size.name] = measure(context, bundle)
        sizes.update({(family, size.name): value for family, value in costs.file_sizes(bundle).items()})
    return OnSet(
        data=data, learned=learned, shorter=shorter, measured=measured, sizes_bytes=sizes, skipped=tuple(skipped)
    )


def _sized(on: OnSet, fraction: float, family: str) -> list[Sized]:
    return [
        Sized(
            family=family,
            size=one.model.size.name,
            costs={
                "p99 window": p99_of(on.of(one), family, "window"),
                "p99 stream": p99_of(on.of(one), family, "stream"),
                "parameters": float(one.trained[0].parameters),
                "training time": training_seconds(one.trained),
            },
            validation=validation(one.trained),
            right=one.right,
        )
        for one in on.at(fraction)
        if one.model.family == family
    ]


def _equal(on: OnSet, cost: Cost, fraction: float) -> Equal | None:
    return at_equal(cost, _sized(on, fraction, LSTM), _sized(on, fraction, TRANSFORMER))


def _deciding_cost(sets: Sequence[OnSet]) -> Cost:
    """p99 of windows; where a busy machine gave no valid figure of some model, equal parameters, and that is said."""
    timed = all(_equal(on, "p99 window", on.fractions[-1]) is not None for on in sets)
    return "p99 window" if timed else "parameters"


def _end(on: OnSet, end: str) -> float:
    return on.fractions[0] if end == "smallest" else on.fractions[-1]


def _pooled(sets: Sequence[OnSet], cost: Cost, end: str, basis: str) -> Figure:
    found = [one for on in sets if (one := _equal(on, cost, _end(on, end))) is not None]
    what = "the smallest fraction" if end == "smallest" else "all training data"
    return figures.difference(
        f"accuracy on {what}, mean over sets, LSTM minus Transformer, at equal {cost}",
        pooled([one.difference for one in found]),
        basis,
    )


def _winner(small: Family | None, large: Family | None) -> Family | None:
    if small is None or large is None:
        return small or large
    return small if small == large else None


def _equal_figures(sets: Sequence[OnSet], basis: str) -> list[Figure]:
    return [
        one.figure(f"accuracy on {on.name}, {percent(fraction)} of the data, LSTM minus Transformer", basis)
        for on in sets
        for fraction in on.fractions
        for cost in COSTS
        if (one := _equal(on, cost, fraction)) is not None
    ]


def _accuracies(sets: Sequence[OnSet]) -> list[Figure]:
    return [
        figures.share(
            f"accuracy of {one.model.name} on {on.name}, {one.samples} training samples",
            one.model.family,
            one.accuracy,
            f"{len(one.trained)} seeds, {one.trained[0].test_samples} test samples",
        )
        for on in sets
        for one in on.learned
    ]


def _against_baselines(sets: Sequence[OnSet]) -> list[Figure]:
    """Each family's best size by validation against the best baseline by validation, on all data."""
    found = []
    for on in sets:
        whole = on.at(on.fractions[-1])
        base = max((one for one in whole if one.model.family in BASELINES), key=lambda one: validation(one.trained))
        for family in REFERENCE_PAIR:
            best = max((one for one in whole if one.model.family == family), key=lambda one: validation(one.trained))
            against = difference_over_seeds(best.right, base.right)
            found.append(
                Figure(
                    what=f"accuracy on {on.name}, all data: {best.model.name} minus the {base.model.name} baseline",
                    family=family,
                    value=against.value,
                    low=against.low,
                    high=against.high,
                    unit="difference",
                    basis=f"{len(best.trained)} seeds, {best.trained[0].test_samples} test samples",
                )
            )
    return found


def overtaking(on: OnSet, cost: Cost) -> str:
    """From how many training samples on the Transformer is ahead on this set, at equal cost, in a sentence."""
    points: dict[int, list[Point]] = {0: [], 1: []}
    for fraction in on.fractions:
        one = _equal(on, cost, fraction)
        samples = float(next(each.samples for each in on.at(fraction)))
        if one is None:
            continue
        for index, side in enumerate((one.first, one.second)):
            found = _accuracy(side)
            if found.value > 0.0:
                points[index].append(Point(samples, found.value, max(found.low, 1e-3), found.high))
    met = crossing(points[0], points[1])
    if met is None:
        return f"{on.name}: one fraction only, so no curve"
    if met.x is None:
        return f"{on.name}: the curves do not cross within what was tried"
    low = "below what was tried" if met.low is None else f"{number(met.low)}"
    high = "beyond what was tried" if met.high is None else f"{number(met.high)}"
    first_lower = points[0][0].value < points[1][0].value
    # The lower accuracy at first is that of the one who overtakes.
    who = LSTM if first_lower else TRANSFORMER
    return f"{on.name}: the {who} overtakes at {number(met.x)} samples [{low}, {high}]"


def _accuracy(side: Sized) -> Estimate:
    from edgekit.statistics.seeds import share_over_seeds

    return share_over_seeds(side.right)


def _sentence(sets: Sequence[OnSet], small: Figure, large: Figure, cost: Cost) -> str:
    behind = [figure.what for figure in _against_baselines(sets) if figure.high is not None and figure.high < 0.0]
    base = (
        f" A baseline is ahead of a family in {len(behind)} of {2 * len(sets)} cases, which then should not be shipped."
        if behind
        else " No baseline is ahead of either family beyond chance."
    )
    return (
        f"At equal {cost} the LSTM's accuracy minus the Transformer's is {figure_text(small)} on the smallest fraction "
        f"and {figure_text(large)} on all data; {'; '.join(overtaking(on, cost) for on in sets)}.{base}"
    )


def _curve_table(context: Context, on: OnSet) -> Table:
    groups: dict[str, dict[float, Learned]] = {}
    for one in on.learned:
        groups.setdefault(one.model.name, {})[one.fraction] = one
    columns = [
        f"{percent(fraction)}: {next(one.samples for one in on.at(fraction))} samples" for fraction in on.fractions
    ]
    return Table(
        title=f"{on.name}: accuracy on {on.learned[0].trained[0].test_samples} test samples over the training data",
        columns=("model", "parameters", *columns),
        rows=tuple(
            (
                name,
                f"{next(iter(own.values())).trained[0].parameters:,}",
                *(_share(own[fraction].accuracy) for fraction in on.fractions),
            )
            for name, own in groups.items()
        ),
    )


def _equal_table(sets: Sequence[OnSet]) -> Table:
    rows = []
    for on in sets:
        cells = []
        for cost in COSTS:
            one = _equal(on, cost, on.fractions[-1])
            cells.append(
                "not measured"
                if one is None
                else f"{figure_text(one.figure('', ''))} ({one.first.size} lstm, {one.second.size} transformer)"
            )
        base = "; ".join(
            f"{one.model.name} {_share(one.accuracy)}"
            for one in on.at(on.fractions[-1])
            if one.model.family in BASELINES
        )
        rows.append((on.name, *cells, base))
    return Table(
        title="All data: the LSTM's accuracy minus the Transformer's, each within the same cost; the baselines beside",
        columns=("set", *(f"equal {cost}" for cost in COSTS), "baselines"),
        rows=tuple(rows),
    )


def _length_table(sets: Sequence[OnSet]) -> Table:
    rows = []
    columns = [percent(share) for share in sorted({one.steps / _whole(on) for on in sets for one in on.shorter})]
    for on in sets:
        names = dict.fromkeys(one.model.name for one in on.shorter)
        for name in names:
            own = sorted((one for one in on.shorter if one.model.name == name), key=lambda one: one.steps)
            rows.append((f"{on.name}: {name}", *(f"{one.steps} steps: {_share(one.accuracy)}" for one in own)))
    width = max(len(row) for row in rows)
    names_ = columns if len(columns) == width - 1 else [f"cut {index + 1}" for index in range(width - 1)]
    return Table(
        title="Sequence length against accuracy: trained and asked on the first steps only, in the largest size",
        columns=("set and model", *names_),
        rows=tuple((*row, *[""] * (width - len(row))) for row in rows),
    )


def _whole(on: OnSet) -> int:
    return max(one.steps for one in on.shorter)


def _plot(on: OnSet, cost: Cost) -> Plot:
    largest = on.learned[-1].fraction
    shown = {one.model.name for one in on.at(largest) if one.model.family in BASELINES}
    last = [one.model.size.name for one in on.at(largest) if one.model.family not in BASELINES][-1]
    curves = []
    for model in dict.fromkeys(one.model.name for one in on.learned):
        own = sorted((one for one in on.learned if one.model.name == model), key=lambda one: one.samples)
        if own[0].model.size.name != last and model not in shown:
            continue
        curves.append(
            Curve(
                name=model,
                family=own[0].model.family,
                x=tuple(float(one.samples) for one in own),
                y=tuple(one.accuracy.value for one in own),
                low=tuple(one.accuracy.low for one in own),
                high=tuple(one.accuracy.high for one in own),
                dashed=model in shown,
            )
        )
    stem = "".join(letter if letter.isalnum() else "-" for letter in on.name)
    return Plot(
        key=f"business-{stem}",
        title=f"Learning curves on {on.name}",
        caption=f"In the largest size, baselines dashed. At equal {cost}, {overtaking(on, cost)}.",
        x_label="training samples, validation included",
        y_label="test accuracy",
        curves=tuple(curves),
    )


def _aspect(sets: Sequence[OnSet], name: str, end: str, cost: Cost, deciding: Figure, winner: Family | None) -> Aspect:
    sides: dict[str, Figure] = {}
    for index, family in enumerate(REFERENCE_PAIR):
        found = [_accuracy((one.first, one.second)[index]) for on in sets if (one := _equal(on, cost, _end(on, end)))]
        count = len(found)
        value = sum(one.value for one in found) / count
        down = sum((one.value - one.low) ** 2 for one in found) ** 0.5 / count
        up = sum((one.high - one.value) ** 2 for one in found) ** 0.5 / count
        mean = Estimate(value, max(0.0, value - down), min(1.0, value + up))
        sides[family] = figures.share(f"accuracy on {name}, mean over sets", family, mean, deciding.basis)
    return Aspect(
        name=f"{name}: accuracy, mean over {len(sets)} sets",
        lstm=sides[LSTM],
        transformer=sides[TRANSFORMER],
        winner=winner,
        difference=deciding,
        note=f"at equal {cost}; difference {figure_text(deciding)}",
    )


def _notes(context: Context, sets: Sequence[OnSet], cost: Cost) -> tuple[str, ...]:
    effort = context.effort
    notes = [f"Skipped: {line}." for on in sets for line in on.skipped]
    if cost != "p99 window":
        notes.append(
            "Some p99 has no valid figure (the machine was too busy), so families are compared at equal parameters; "
            "run again with --force to measure what is missing."
        )
    notes.append(
        f"{len(effort.learning_rates)} step sizes were tried for each family, size and set, baselines included, on the "
        "validation part of seed 0 with all data; every seed has its own split, order and weights, and the same test "
        "part."
    )
    notes.append(
        "Fractions count the training part, of which some validates; the Transformer's window spans the sequence."
    )
    return tuple(notes)


def _share(found: Estimate) -> str:
    return interval(found.value, found.low, found.high, percent)


def model_of(on: OnSet, family: str, size: str) -> Model | None:
    """The model of that family and size on this set."""
    return next((one.model for one in on.learned if (one.model.family, one.model.size.name) == (family, size)), None)
