"""What the memory round trains: every family, size, distance and seed, on the made tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.rounds import tasks
from edgekit.rounds.context import Context
from edgekit.rounds.effort import Size
from edgekit.rounds.training import Trained, answers, train_seeds, tune
from edgekit.statistics.proportions import Estimate
from edgekit.statistics.seeds import Answers, share_over_seeds
from edgekit_targets.types.manifest import REFERENCE_PAIR

GOOD = 0.9
"""The accuracy under which a family counts as having forgotten."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cell:
    """One family in one size with one window at one distance: a model a seed."""

    family: str
    size: Size
    window: int | None
    """Of the Transformer where it is shorter than the sequence; null for one that spans it, and for the LSTM."""
    distance: int
    settings: Mapping[str, str]
    trained: Sequence[Trained]

    @property
    def right(self) -> Answers:
        """On the test samples, ``[seeds, samples]``."""
        return answers(self.trained)

    @property
    def accuracy(self) -> Estimate:
        """With its interval over seeds and samples."""
        return share_over_seeds(self.right)


def recall_data(context: Context, distance: int) -> str:
    """The task of one distance, as ``--data`` takes it.

    Raises:
        InputError: the length asked for is too short.
    """
    effort = context.effort
    name = f"recall-{distance}-{effort.samples}" + ("" if effort.length is None else f"-{effort.length}")
    return context.task(name, tasks.recall(distance, effort.samples, effort.length))


def adding_data(context: Context, length: int) -> str:
    """The adding problem of one length, as ``--data`` takes it."""
    return context.task(f"adding-{length}-{context.effort.samples}", tasks.adding(length, context.effort.samples))


def settings_of(context: Context, size: Size, window: int) -> dict[str, str]:
    """Made tasks need no noise against overfitting, and both families run the same epochs to the end."""
    epochs = str(context.effort.epochs)
    return {
        **size.settings,
        "epochs": epochs,
        "patience": epochs,
        "noise": "0",
        "drift": "0",
        "label_smoothing": "0",
        "dropout": "0",
        "transformer.window": str(window),
    }


def recall_cells(context: Context) -> list[Cell]:
    """Every family, size and distance with a Transformer that sees all, and its shorter windows in the largest size.

    Step sizes are tuned at the middle distance, for each family and size.
    """
    effort = context.effort
    middle = effort.distances[len(effort.distances) // 2]
    cells: list[Cell] = []
    for size in effort.sizes:
        for family in REFERENCE_PAIR:
            at_middle = context.load(recall_data(context, middle), 0)
            tuned = tune(context, family, at_middle, settings_of(context, size, at_middle.length))
            for distance in effort.distances:
                data = context.load(recall_data(context, distance), 0)
                windows: list[int | None] = [None]
                if family == "transformer" and size is effort.sizes[-1]:
                    windows += [window for window in effort.windows if window < data.length]
                for window in windows:
                    settings = tuned | {"transformer.window": str(window or data.length)}
                    cells.append(
                        Cell(
                            family=family,
                            size=size,
                            window=window,
                            distance=distance,
                            settings=settings,
                            trained=train_seeds(context, family, data, settings),
                        )
                    )
                    context.progress("memory", len(cells), _expected(context))
    return cells


def adding_cells(context: Context) -> list[Cell]:
    """The adding problem in the largest size; ``distance`` is the length."""
    size = context.effort.sizes[-1]
    cells = []
    for length in context.effort.adding_lengths:
        data = context.load(adding_data(context, length), 0)
        for family in REFERENCE_PAIR:
            settings = tune(context, family, data, settings_of(context, size, data.length))
            cells.append(
                Cell(
                    family=family,
                    size=size,
                    window=None,
                    distance=length,
                    settings=settings,
                    trained=train_seeds(context, family, data, settings),
                )
            )
    return cells


def reach(cells: Sequence[Cell]) -> tuple[int, int, int]:
    """The largest distance up to which accuracy stays at 90 % or above: of the means, and of both ends of intervals.

    Returns:
        Value, low and high; 0 where it is below 90 % at the shortest distance already.
    """
    ordered = sorted(cells, key=lambda cell: cell.distance)
    estimates = [(cell.distance, cell.accuracy) for cell in ordered]

    def furthest(kept: Sequence[bool]) -> int:
        lost = next((index for index, fine in enumerate(kept) if not fine), len(kept))
        return estimates[lost - 1][0] if lost else 0

    return (
        furthest([one.value >= GOOD for _, one in estimates]),
        furthest([one.low >= GOOD for _, one in estimates]),
        furthest([one.high >= GOOD for _, one in estimates]),
    )


def together(cells: Sequence[Cell]) -> Answers:
    """The answers at all distances side by side, ``[seeds, all samples]``: every distance counts the same."""
    return np.concatenate([cell.right for cell in sorted(cells, key=lambda cell: cell.distance)], axis=1)


def _expected(context: Context) -> int:
    effort = context.effort
    return len(effort.distances) * (2 * len(effort.sizes) + len(effort.windows))
