"""Two families at equal cost: what each can do within the same p99, parameters or training time.

Each family comes in several sizes. Within a limit the size with the best validation accuracy stands for it, and the two
are compared on the test samples, seed by seed. The limit is the largest cost that both families reach, or, where even
the smallest of one costs more than the largest of the other, that smallest. Costs within a tenth count as equal: sizes
that were made to match differ by a few percent, and measured times by as much from run to run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.rounds.contract import Figure, Unit
from edgekit.rounds.figures import difference
from edgekit.rounds.timing import p99_of
from edgekit.rounds.training import Trained, training_seconds, validation
from edgekit.rounds.words import FORMATTERS
from edgekit.statistics.proportions import Difference
from edgekit.statistics.seeds import Answers, difference_over_seeds
from edgekit_targets.types.profile import Measurement

Cost = Literal["p99 window", "p99 stream", "parameters", "training time"]
TOLERANCE = 0.1
"""By which share a cost may be above the limit."""
COSTS: dict[Cost, Unit] = {
    "p99 window": "seconds",
    "p99 stream": "seconds",
    "parameters": "count",
    "training time": "seconds",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Sized:
    """One size of one family: its costs (null: not measured), validation accuracy, and answers on the test samples."""

    family: str
    size: str
    costs: Mapping[Cost, float | None]
    validation: float
    right: Answers


def sized_of(
    family: str, size: str, trained: Sequence[Trained], measured: Sequence[Measurement], right: Answers
) -> Sized:
    """From models of one family and size, what was measured of their file, and their answers ``[seeds, samples]``."""
    return Sized(
        family=family,
        size=size,
        costs={
            "p99 window": p99_of(measured, family, "window"),
            "p99 stream": p99_of(measured, family, "stream"),
            "parameters": float(trained[0].parameters),
            "training time": training_seconds(trained),
        },
        validation=validation(trained),
        right=right,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Equal:
    """Both families within ``limit`` of one cost (tolerance included), and the first's accuracy minus the second's."""

    cost: Cost
    limit: float
    first: Sized
    second: Sized
    difference: Difference

    def figure(self, what: str, basis: str) -> Figure:
        """The difference as a figure that names the sizes."""
        return difference(
            f"{what}, at equal {self.cost}",
            self.difference,
            f"{basis}; {self.side(self.first)} against {self.side(self.second)}",
        )

    def side(self, one: Sized) -> str:
        """Which size of a family stands for it, and what it costs."""
        return f"{one.size} {one.family} ({FORMATTERS[COSTS[self.cost]](one.costs[self.cost])})"


def at_equal(cost: Cost, first: Sequence[Sized], second: Sequence[Sized]) -> Equal | None:
    """Compare within the limit that both families make use of; None where the cost was not measured of all sizes."""
    sides = [[(one.costs[cost], one) for one in side] for side in (first, second)]
    known = [[(value, one) for value, one in side if value is not None] for side in sides]
    if not all(known) or any(len(have) < len(side) for have, side in zip(known, sides, strict=True)):
        return None
    costs = [[value for value, _ in side] for side in known]
    limit = (1.0 + TOLERANCE) * max(min(map(max, costs)), max(map(min, costs)))
    chosen = [
        max(
            ((value, one) for value, one in side if value <= limit),
            key=lambda item: (item[1].validation, -item[0]),
        )[1]
        for side in known
    ]
    return Equal(
        cost=cost,
        limit=limit,
        first=chosen[0],
        second=chosen[1],
        difference=difference_over_seeds(chosen[0].right, chosen[1].right),
    )
