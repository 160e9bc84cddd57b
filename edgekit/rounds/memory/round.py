"""Round 1, memory power: how far back each family can tell what it saw."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.rounds import figures
from edgekit.rounds.context import Context
from edgekit.rounds.contract import LSTM, TRANSFORMER, Aspect, Curve, Family, Figure, Plot, Round, Table
from edgekit.rounds.equal import COSTS, Cost, Equal, Sized, at_equal
from edgekit.rounds.memory.lasting import STRETCHES, Lasting, lasting
from edgekit.rounds.memory.recalling import Cell, adding_cells, reach, recall_cells, recall_data, together
from edgekit.rounds.memory.tasks import steps_of
from edgekit.rounds.timing import measure, p99_of
from edgekit.rounds.training import own, training_seconds, validation
from edgekit.rounds.words import figure_text
from edgekit.statistics.proportions import Estimate
from edgekit.terminal.format import interval, percent, seconds
from edgekit_targets.types.manifest import REFERENCE_PAIR

NAME = "memory"
TITLE = "Memory power"
CLAIM = "the LSTM keeps a state; the Transformer looks at everything"


def check(context: Context) -> None:
    """Refuse distances that the sequences cannot hold.

    Raises:
        InputError: naming ``--length`` and ``--distances``.
    """
    for distance in context.effort.distances:
        steps_of(distance, context.effort.length)


def play(context: Context) -> Round:
    """Train on recall over every distance and on the adding problem, and run streams far beyond what was trained.

    The claim holds where the Transformer that sees the whole sequence recalls more at equal p99 in window mode.

    Raises:
        InputError: sequences shorter than the distances asked.
    """
    cells = recall_cells(context)
    adding = adding_cells(context)
    whole = [cell for cell in cells if cell.window is None]
    compared = _compare(context, whole)
    long = _lasting(context, whole)
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
            *_accuracies(cells, basis),
            *_lasting_figures(long),
            *[
                figures.share(f"adding problem of {cell.distance} steps", cell.family, cell.accuracy, basis)
                for cell in adding
            ],
        ),
        tables=(_recall_table(context, cells), _adding_table(adding), _lasting_table(long)),
        plots=(*_plots(context, cells), _lasting_plot(long)),
        aspects=(_aspect(reaches, figure, winner, context),),
        notes=_notes(context, compared),
        settings={"good": 0.9, "symbols": 4},
    )


def _compare(context: Context, cells: Sequence[Cell]) -> list[Equal]:
    """At equal cost, every distance counting the same; times are those at the longest."""
    longest = max(context.effort.distances)
    sized: dict[str, list[Sized]] = {family: [] for family in REFERENCE_PAIR}
    for size in context.effort.sizes:
        own_cells = {family: [cell for cell in cells if (cell.family, cell.size) == (family, size)] for family in sized}
        settings: dict[str, str] = {}
        for family in REFERENCE_PAIR:
            at_longest = next(cell for cell in own_cells[family] if cell.distance == longest)
            settings |= own(at_longest.settings, family)
        bundle = context.bundle(
            f"memory-{size.name}",
            models=REFERENCE_PAIR,
            data=recall_data(context, longest),
            settings=settings,
            modes=("window", "stream"),
        )
        measured = measure(context, bundle)
        for family in REFERENCE_PAIR:
            trained = [one for cell in own_cells[family] for one in cell.trained]
            sized[family].append(
                Sized(
                    family=family,
                    size=size.name,
                    costs={
                        "p99 window": p99_of(measured, family, "window"),
                        "p99 stream": p99_of(measured, family, "stream"),
                        "parameters": float(trained[0].parameters),
                        "training time": training_seconds(trained),
                    },
                    validation=validation(trained),
                    right=together(own_cells[family]),
                )
            )
    found = [at_equal(cost, sized[LSTM], sized[TRANSFORMER]) for cost in COSTS]
    return [one for one in found if one is not None]


def _lasting(context: Context, cells: Sequence[Cell]) -> list[Lasting]:
    """In the largest size, at the shortest distance, which both families learn if they learn any."""
    shortest, size = min(context.effort.distances), context.effort.sizes[-1]
    settings: dict[str, str] = {}
    for family in REFERENCE_PAIR:
        cell = next(one for one in cells if (one.family, one.size, one.distance) == (family, size, shortest))
        settings |= own(cell.settings, family)
    data = recall_data(context, shortest)
    bundle = context.bundle("memory-stream", models=REFERENCE_PAIR, data=data, settings=settings, modes=("stream",))
    return lasting(context, bundle, REFERENCE_PAIR, shortest, context.load(data, 0).length)


def _reaches(context: Context, cells: Sequence[Cell], basis: str) -> dict[tuple[str, str, int | None], Figure]:
    found = {}
    for size in context.effort.sizes:
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


def _accuracies(cells: Sequence[Cell], basis: str) -> list[Figure]:
    return [
        figures.share(
            f"recall over {cell.distance} steps, {cell.size.name}{_seen(cell)}", cell.family, cell.accuracy, basis
        )
        for cell in cells
    ]


def _seen(cell: Cell) -> str:
    return "" if cell.window is None else f", window {cell.window}"


def _basis(context: Context) -> str:
    effort = context.effort
    return f"{effort.seeds} seeds, {len(effort.sizes)} sizes, {effort.held_out} test samples a distance"


def _aspect(
    reaches: dict[tuple[str, str, int | None], Figure], figure: Figure, winner: Family | None, context: Context
) -> Aspect:
    size = context.effort.sizes[-1].name
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
    size = context.effort.sizes[-1].name
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
            f"{_share(last)}; after one it did in {_share(first)}."
        )
    return f"{head} In size {size}, {far}.{tail}"


def _share(found: Estimate) -> str:
    return interval(found.value, found.low, found.high, percent)


def _recall_table(context: Context, cells: Sequence[Cell]) -> Table:
    groups: dict[tuple[str, str, int | None], dict[int, Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.family, cell.size.name, cell.window), {})[cell.distance] = cell
    rows = []
    for (family, size, window), by_distance in groups.items():
        trained = [one for cell in by_distance.values() for one in cell.trained]
        taken = training_seconds(trained)
        shares = [
            _share(by_distance[distance].accuracy) if distance in by_distance else "the whole window is shorter"
            for distance in context.effort.distances
        ]
        name = f"{family} {size}" + ("" if window is None else f", window {window}")
        rows.append((name, f"{trained[0].parameters:,}", seconds(taken), *shares))
    return Table(
        title="Recall over distance: share answered right (chance is 25 %)",
        columns=(
            "model",
            "parameters",
            "CPU time to train each",
            *(f"{one} steps" for one in context.effort.distances),
        ),
        rows=tuple(rows),
    )


def _adding_table(cells: Sequence[Cell]) -> Table:
    lengths = list(dict.fromkeys(cell.distance for cell in cells))
    return Table(
        title="Adding problem: whether the sum of two marked numbers is above 1 (knowing one gives 75 %)",
        columns=("model", *(f"{length} steps" for length in lengths)),
        rows=tuple(
            (family, *(_share(cell.accuracy) for cell in cells if cell.family == family)) for family in REFERENCE_PAIR
        ),
    )


def _lasting_table(long: Sequence[Lasting]) -> Table:
    return Table(
        title="The shipped stream, run on without a reset: share told right",
        columns=("model", *(f"after {stretch} x" for stretch in long[0].stretches)),
        rows=tuple(
            (f"{one.family}, {kind}", *map(_share, one.of(kind))) for one in long for kind in ("kept", "renewed")
        ),
    )


def _lasting_figures(long: Sequence[Lasting]) -> list[Figure]:
    return [
        figures.share(
            f"stream after {stretch} training lengths, symbol {kind}", one.family, found, f"{one.samples} streams"
        )
        for one in long
        for kind in ("kept", "renewed")
        for stretch, found in zip(one.stretches, one.of(kind), strict=True)
    ]


def _plots(context: Context, cells: Sequence[Cell]) -> list[Plot]:
    size = context.effort.sizes[-1]
    curves = []
    for family, window in dict.fromkeys((cell.family, cell.window) for cell in cells if cell.size is size):
        own = [cell for cell in cells if (cell.family, cell.size, cell.window) == (family, size, window)]
        found = [cell.accuracy for cell in own]
        name = family if window is None else f"{family}, W {window}"
        curves.append(_curve(name, family, [float(cell.distance) for cell in own], found, dashed=window is not None))
    return [
        Plot(
            key="memory-recall",
            title="Recall over distance",
            caption=(
                f"In size {size.name}; the dashed line is 90 %, chance 25 %. A Transformer sees at most its layers "
                "times its window (W) back; without W it sees the whole sequence."
            ),
            x_label="steps back",
            y_label="answered right",
            curves=tuple(curves),
            level=0.9,
        )
    ]


def _lasting_plot(long: Sequence[Lasting]) -> Plot:
    return Plot(
        key="memory-stream",
        title="Streams without a reset",
        caption=(
            "Filled: one symbol, marked at the start. Hollow: a new one every training length. Both in the shipped "
            "fp32 stream file."
        ),
        x_label="training lengths since the start",
        y_label="answered right",
        curves=tuple(
            _curve(
                f"{one.family}, {kind}", one.family, list(map(float, one.stretches)), one.of(kind), kind == "renewed"
            )
            for one in long
            for kind in ("kept", "renewed")
        ),
        level=0.25,
    )


def _curve(name: str, family: str, x: list[float], found: Sequence[Estimate], dashed: bool) -> Curve:
    return Curve(
        name=name,
        family=family,
        x=tuple(x),
        y=tuple(one.value for one in found),
        low=tuple(one.low for one in found),
        high=tuple(one.high for one in found),
        dashed=dashed,
    )


def _notes(context: Context, compared: Sequence[Equal]) -> tuple[str, ...]:
    effort = context.effort
    known: set[Cost] = {one.cost for one in compared}
    return (
        f"Both families were trained for {effort.epochs} epochs on {effort.samples} sequences a distance, with "
        f"{len(effort.learning_rates)} step sizes tried for each family and size at the middle distance; the time each "
        "took stands in the table, and the comparison at equal training time in the evidence.",
        "The Transformer that is compared sees the whole sequence; its shorter windows are shown beside it.",
        *(
            f"At equal {cost}: not measured, the machine was too busy for a valid figure; run again with --force."
            for cost in COSTS
            if cost not in known
        ),
    )
