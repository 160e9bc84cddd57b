"""The tables and plots of the memory round."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.rounds.context import Context
from edgekit.rounds.contract import Curve, Plot, Table
from edgekit.rounds.memory.lasting import Lasting
from edgekit.rounds.memory.recalling import Cell
from edgekit.rounds.training import training_seconds
from edgekit.rounds.words import share_text
from edgekit.statistics.proportions import Estimate
from edgekit.terminal.format import seconds
from edgekit_targets.types.manifest import REFERENCE_PAIR


def recall_table(context: Context, cells: Sequence[Cell]) -> Table:
    """Every model by distance, with what it has and what it cost."""
    groups: dict[tuple[str, str, int | None], dict[int, Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.family, cell.size.name, cell.window), {})[cell.distance] = cell
    rows = []
    for (family, size, window), by_distance in groups.items():
        trained = [one for cell in by_distance.values() for one in cell.trained]
        taken = training_seconds(trained)
        shares = [
            share_text(by_distance[distance].accuracy) if distance in by_distance else "the whole window is shorter"
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


def adding_table(cells: Sequence[Cell]) -> Table:
    """Both families by length."""
    lengths = list(dict.fromkeys(cell.distance for cell in cells))
    return Table(
        title="Adding problem: whether the sum of two marked numbers is above 1 (knowing one gives 75 %)",
        columns=("model", *(f"{length} steps" for length in lengths)),
        rows=tuple(
            (family, *(share_text(cell.accuracy) for cell in cells if cell.family == family))
            for family in REFERENCE_PAIR
        ),
    )


def lasting_table(long: Sequence[Lasting]) -> Table:
    """Both streams over what was run without a reset."""
    return Table(
        title="The shipped stream, run on without a reset: share told right",
        columns=("model", *(f"after {stretch} x" for stretch in long[0].stretches)),
        rows=tuple(
            (f"{one.family}, {kind}", *map(share_text, one.of(kind))) for one in long for kind in ("kept", "renewed")
        ),
    )


def recall_plot(context: Context, cells: Sequence[Cell]) -> Plot:
    """Accuracy over distance in the largest size."""
    size = context.effort.recall_sizes[-1]
    curves = []
    for family, window in dict.fromkeys((cell.family, cell.window) for cell in cells if cell.size is size):
        own = [cell for cell in cells if (cell.family, cell.size, cell.window) == (family, size, window)]
        found = [cell.accuracy for cell in own]
        name = family if window is None else f"{family}, W {window}"
        curves.append(_curve(name, family, [float(cell.distance) for cell in own], found, dashed=window is not None))
    return Plot(
        key="memory-recall",
        title="Recall over distance",
        caption=(
            f"In size {size.name}; the dashed line is 90 %, chance 25 %. A Transformer sees at most its layers times "
            "its window (W) back; without W it sees the whole sequence."
        ),
        x_label="steps back",
        y_label="answered right",
        curves=tuple(curves),
        level=0.9,
    )


def lasting_plot(long: Sequence[Lasting]) -> Plot:
    """Accuracy over stretches of a stream."""
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
