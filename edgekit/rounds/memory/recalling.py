"""What the memory round trains: every family, size, distance and seed, on the made tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.rounds.context import Context
from edgekit.rounds.effort import Size
from edgekit.rounds.memory import tasks
from edgekit.rounds.training import Job, Repeated, train, train_all, trials, tune
from edgekit.statistics.seeds import Answers
from edgekit_targets.types.manifest import REFERENCE_PAIR

if TYPE_CHECKING:
    from edgekit_export.data.contract import Dataset

GOOD = 0.9
"""The accuracy under which a family counts as having forgotten."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cell(Repeated):
    """One family in one size with one window at one distance: a model a seed."""

    family: str
    size: Size
    window: int | None
    """Of the Transformer where it is shorter than the sequence; null for one that spans it, and for the LSTM."""
    distance: int
    settings: Mapping[str, str]


def recall_data(context: Context, distance: int) -> str:
    """The task of one distance, as ``--data`` takes it.

    Raises:
        InputError: the length asked for is too short.
    """
    effort = context.effort
    name = f"recall-{distance}-{effort.samples}-{effort.held_out}"
    name += "" if effort.length is None else f"-{effort.length}"
    return context.task(name, tasks.recall(distance, effort.samples, effort.held_out, effort.length))


def adding_data(context: Context, length: int) -> str:
    """The adding problem of one length, as ``--data`` takes it."""
    effort = context.effort
    arrays = tasks.adding(length, effort.samples, effort.held_out)
    return context.task(f"adding-{length}-{effort.samples}-{effort.held_out}", arrays)


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
    data = {distance: context.load(recall_data(context, distance), 0) for distance in effort.distances}
    middle = data[effort.distances[len(effort.distances) // 2]]
    kinds = [(size, family) for size in effort.recall_sizes for family in REFERENCE_PAIR]
    plain = {size.name: settings_of(context, size, middle.length) for size in effort.recall_sizes}
    tried = [job for size, family in kinds for job in trials(context, family, middle, plain[size.name])]
    train_all(context, tried, "memory: step sizes")
    planned: list[_Planned] = []
    for size, family in kinds:
        tuned = tune(context, family, middle, plain[size.name])
        for distance in effort.distances:
            windows: list[int | None] = [None]
            if family == "transformer" and size is effort.recall_sizes[-1]:
                windows += [window for window in effort.windows if window < data[distance].length]
            for window in windows:
                settings = tuned | {"transformer.window": str(window or data[distance].length)}
                seeds = effort.seeds if window is None else effort.seeds_beside
                planned.append((family, size, window, distance, settings, seeds))
    return _cells(context, planned, data, "memory: recall")


def adding_cells(context: Context) -> list[Cell]:
    """The adding problem in the largest size; ``distance`` is the length."""
    size = context.effort.recall_sizes[-1]
    data = {length: context.load(adding_data(context, length), 0) for length in context.effort.adding_lengths}
    plain = {length: settings_of(context, size, one.length) for length, one in data.items()}
    tried = [
        job
        for length, one in data.items()
        for family in REFERENCE_PAIR
        for job in trials(context, family, one, plain[length])
    ]
    train_all(context, tried, "memory: adding, step sizes")
    planned: list[_Planned] = [
        (family, size, None, length, tune(context, family, one, plain[length]), context.effort.seeds_beside)
        for length, one in data.items()
        for family in REFERENCE_PAIR
    ]
    return _cells(context, planned, data, "memory: adding")


_Planned = tuple[str, Size, int | None, int, dict[str, str], int]
"""Family, size, window, distance, settings, and how many seeds."""


def _cells(context: Context, planned: Sequence[_Planned], data: Mapping[int, Dataset], stage: str) -> list[Cell]:
    jobs = [
        [Job(family=family, dataset=data[distance], settings=settings, seed=seed) for seed in range(seeds)]
        for family, _, _, distance, settings, seeds in planned
    ]
    train_all(context, [job for of_cell in jobs for job in of_cell], stage)
    return [
        Cell(
            family=family,
            size=size,
            window=window,
            distance=distance,
            settings=settings,
            trained=[train(context, job) for job in of_cell],
        )
        for (family, size, window, distance, settings, _), of_cell in zip(planned, jobs, strict=True)
    ]


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
