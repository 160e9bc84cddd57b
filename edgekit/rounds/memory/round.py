"""Round 1, memory power: how far back each family can tell what it saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edgekit.rounds import figures
from edgekit.rounds.bundles import Wanted, bundles
from edgekit.rounds.context import Context
from edgekit.rounds.contract import LSTM, TRANSFORMER, Aspect, Family, Figure, Round
from edgekit.rounds.effort import Size
from edgekit.rounds.equal import COSTS, Cost, Equal, Sized, at_equal, sized_of
from edgekit.rounds.forecast import Stages, exporting, measuring, training
from edgekit.rounds.memory.lasting import STRETCHES, Lasting, lasting
from edgekit.rounds.memory.recalling import Cell, adding_cells, reach, recall_cells, recall_data, together
from edgekit.rounds.memory.shown import adding_table, lasting_plot, lasting_table, recall_plot, recall_table
from edgekit.rounds.memory.tasks import steps_of
from edgekit.rounds.timing import measure
from edgekit.rounds.training import own
from edgekit.rounds.words import figure_text, share_text
from edgekit_targets.types.manifest import MODES, REFERENCE_PAIR, Mode

NAME = "memory"
TITLE = "Memory power"
STREAM = "stream"
CLAIM = "the LSTM keeps a state; the Transformer looks at everything"


def check(context: Context) -> None:
    """Refuse distances that the sequences cannot hold.

    Raises:
        InputError: naming ``--length`` and ``--distances``.
    """
    for distance in context.effort.distances:
        steps_of(distance, context.effort.length)


def stages(context: Context) -> Stages:
    """What is done, and about how long it takes."""
    effort, most = context.effort, context.effort.recall_sizes[-1]
    rates, files = len(effort.learning_rates), len(REFERENCE_PAIR) * len(MODES)
    steps = {distance: steps_of(distance, effort.length) for distance in effort.distances}
    middle = steps[effort.distances[len(effort.distances) // 2]]

    def taken(size: Size, length: int, models: float) -> float:
        return training(context, size, length, effort.samples, effort.epochs, models=models)

    # Short windows are of the Transformer alone, which is the slower half of a pair.
    beside = 0.6 * effort.seeds_beside * len(effort.windows)
    return {
        "memory: step sizes": sum(taken(size, middle, rates) for size in effort.recall_sizes),
        "memory: recall": sum(
            taken(size, each, effort.seeds) for size in effort.recall_sizes for each in steps.values()
        )
        + sum(taken(most, each, beside) for each in steps.values()),
        "memory: adding, step sizes": sum(taken(most, length, rates) for length in effort.adding_lengths),
        "memory: adding": sum(taken(most, length, effort.seeds_beside) for length in effort.adding_lengths),
        "memory: export": exporting(context, files * len(effort.recall_sizes) + files / 2),
        **{
            f"measure memory-{size.name}": measuring(effort.targets, files, effort.plan) for size in effort.recall_sizes
        },
        "memory: long streams": 5.0,
    }


def play(context: Context) -> Round:
    """Train on recall over every distance and on the adding problem, and run streams far beyond what was trained.

    The claim holds where the Transformer that sees the whole sequence recalls more at equal p99 in window mode.

    Raises:
        InputError: sequences shorter than the distances asked.
    """
    cells = recall_cells(context)
    adding = adding_cells(context)
    whole = [cell for cell in cells if cell.window is None]
    folders = _export(context, whole)
    compared = _compare(context, whole, folders)
    long = _lasting(context, folders[STREAM])
    # The first of the costs that was measured: p99 of windows, unless the machine was too busy for a valid figure.
    timed = [one for one in compared if one.cost == "p99 window"]
    deciding = (timed or [one for one in compared if one.cost == "parameters"])[0]
    basis = _basis(context)
    figure = deciding.figure("accuracy over all distances, LSTM minus Transformer", basis)
    winner = figures.ahead(figure.low, figure.high)
    reaches = _reaches(context, cells, basis)
    return Round(
        name=NAME,
        title=TITLE,
        claim=CLAIM,
        winner=winner,
        tie=winner is None,
        holds=winner == TRANSFORMER,
        sentence=_sentence(context, deciding, figure, reaches, long),
        deciding=figure,
        evidence=(
            *[one.figure("accuracy over all distances, LSTM minus Transformer", basis) for one in compared],
            *reaches.values(),
            *_accuracies(context, cells),
            *_lasting_figures(long),
            *[
                figures.share(
                    f"adding problem of {cell.distance} steps", cell.family, cell.accuracy, _rests(context, cell)
                )
                for cell in adding
            ],
        ),
        tables=(recall_table(context, cells), adding_table(adding), lasting_table(long)),
        plots=(recall_plot(context, cells), lasting_plot(long)),
        aspects=(_aspect(reaches, figure, winner, context),),
        notes=_notes(context, compared),
        settings={"good": 0.9, "symbols": 4},
    )


def _export(context: Context, cells: Sequence[Cell]) -> dict[str, Path]:
    """Every size as it was trained at the longest distance, to be timed; and the stream that is run on and on.

    That is the largest size at the shortest distance, which both families learn if they learn any.
    """
    effort = context.effort
    asked: dict[str, tuple[Size, int, tuple[Mode, ...]]]
    asked = {size.name: (size, max(effort.distances), MODES) for size in effort.recall_sizes}
    asked[STREAM] = (effort.recall_sizes[-1], min(effort.distances), ("stream",))
    wanted = []
    for name, (size, distance, modes) in asked.items():
        settings: dict[str, str] = {}
        for family in REFERENCE_PAIR:
            cell = next(one for one in cells if (one.family, one.size, one.distance) == (family, size, distance))
            settings |= own(cell.settings, family)
        data = recall_data(context, distance)
        wanted.append(Wanted(name=f"memory-{name}", data=data, settings=settings, modes=modes))
    return dict(zip(asked, bundles(context, wanted, "memory: export"), strict=True))


def _compare(context: Context, cells: Sequence[Cell], folders: Mapping[str, Path]) -> list[Equal]:
    """At equal cost, every distance counting the same; times are those at the longest."""
    sized: dict[str, list[Sized]] = {family: [] for family in REFERENCE_PAIR}
    for size in context.effort.recall_sizes:
        measured = measure(context, folders[size.name])
        for family in REFERENCE_PAIR:
            own_cells = [cell for cell in cells if (cell.family, cell.size) == (family, size)]
            trained = [one for cell in own_cells for one in cell.trained]
            sized[family].append(sized_of(family, size.name, trained, measured, together(own_cells)))
    found = [at_equal(cost, sized[LSTM], sized[TRANSFORMER]) for cost in COSTS]
    return [one for one in found if one is not None]


def _lasting(context: Context, bundle: Path) -> list[Lasting]:
    shortest = min(context.effort.distances)
    length = context.load(recall_data(context, shortest), 0).length
    return lasting(context, bundle, REFERENCE_PAIR, shortest, length)


def _reaches(context: Context, cells: Sequence[Cell], basis: str) -> dict[tuple[str, str, int | None], Figure]:
    found = {}
    for size in context.effort.recall_sizes:
        for family in REFERENCE_PAIR:
            own = [cell for cell in cells if (cell.family, cell.size) == (family, size)]
            for window in dict.fromkeys(cell.window for cell in own):
                value, low, high = reach([cell for cell in own if cell.window == window])
                seen = "" if window is None else f", window {window}"
                found[family, size.name, window] = Figure(
                    what=f"furthest recall at 90 %, {size.name}{seen}",
                    family=family,
                    value=float(value),
                    low=float(low),
                    high=float(high),
                    unit="steps",
                    basis=f"{basis}; distances {', '.join(map(str, context.effort.distances))}",
                )
    return found


def _accuracies(context: Context, cells: Sequence[Cell]) -> list[Figure]:
    return [
        figures.share(
            f"recall over {cell.distance} steps, {cell.size.name}{_seen(cell)}",
            cell.family,
            cell.accuracy,
            _rests(context, cell),
        )
        for cell in cells
    ]


def _seen(cell: Cell) -> str:
    return "" if cell.window is None else f", window {cell.window}"


def _basis(context: Context) -> str:
    effort = context.effort
    return f"{effort.seeds} seeds, {len(effort.recall_sizes)} sizes, {effort.held_out} test samples a distance"


def _rests(context: Context, cell: Cell) -> str:
    return f"{len(cell.trained)} seeds, {context.effort.held_out} test samples"


def _aspect(
    reaches: dict[tuple[str, str, int | None], Figure], figure: Figure, winner: Family | None, context: Context
) -> Aspect:
    size = context.effort.recall_sizes[-1].name
    return Aspect(
        name="memory: furthest recall at 90 %",
        lstm=reaches[LSTM, size, None],
        transformer=reaches[TRANSFORMER, size, None],
        winner=winner,
        difference=figure,
        note=f"{size}; of the distances asked, {max(context.effort.distances)} is the longest",
    )


def _sentence(
    context: Context,
    deciding: Equal,
    figure: Figure,
    reaches: dict[tuple[str, str, int | None], Figure],
    long: Sequence[Lasting],
) -> str:
    size = context.effort.recall_sizes[-1].name
    far = "; ".join(
        f"the {family} answers 90 % right up to {figure_text(reaches[family, size, None])}" for family in REFERENCE_PAIR
    )
    head = f"At equal {deciding.cost} the LSTM's accuracy minus the Transformer's is {figure_text(figure)}."
    kept = next((one for one in long if one.family == LSTM), None)
    tail = ""
    if kept is not None:
        first, last = kept.of("kept")[0], kept.of("kept")[-1]
        tail = (
            f" After {STRETCHES} training lengths without a reset the LSTM still tells the first symbol in "
            f"{share_text(last)}; after one it did in {share_text(first)}."
        )
    return f"{head} In size {size}, {far}.{tail}"


def _lasting_figures(long: Sequence[Lasting]) -> list[Figure]:
    return [
        figures.share(
            f"stream after {stretch} training lengths, symbol {kind}", one.family, found, f"{one.samples} streams"
        )
        for one in long
        for kind in ("kept", "renewed")
        for stretch, found in zip(one.stretches, one.of(kind), strict=True)
    ]


def _notes(context: Context, compared: Sequence[Equal]) -> tuple[str, ...]:
    effort = context.effort
    known: set[Cost] = {one.cost for one in compared}
    return (
        f"Both families were trained for {effort.epochs} epochs on {effort.samples} sequences a distance, with "
        f"{len(effort.learning_rates)} step sizes tried for each family and size at the middle distance; the time each "
        "took stands in the table, and the comparison at equal training time in the evidence.",
        "The Transformer that is compared sees the whole sequence; its shorter windows and the adding problem, with "
        f"{effort.seeds_beside} seeds, are shown beside it.",
        *(
            f"At equal {cost}: not measured, since a size has no valid figure of it; run again with --force."
            for cost in COSTS
            if cost not in known
        ),
    )
