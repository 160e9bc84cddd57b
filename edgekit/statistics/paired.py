"""Two candidates against each other: the ratio of their times, from rounds in which both were measured.

What a machine does meanwhile it does to both of a round, so ratios within rounds vary far less than the times do. What
is particular to a process (its memory layout) it keeps, so rounds of one launch are a cluster.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.statistics.means import mean

Standing = Literal["faster", "slower", "same", "undecided"]
SAME = 0.01
"""Times within 1 % of each other are the same for any purpose."""
FEWEST_LAUNCHES = 3
Round = tuple[int, int]
"""A launch and a round in it."""


@dataclass(frozen=True)
class Ratio:
    """The first's time over the second's, with a 95 % interval that holds at every look.

    With too few launches it has no interval.
    """

    value: float
    low: float | None
    high: float | None
    launches: int
    standing: Standing


def ratio(first: Mapping[Round, Sequence[float]], second: Mapping[Round, Sequence[float]]) -> Ratio | None:
    """Of the medians, round by round as far as both have them; None without a common round.

    A launch stands for the median of its rounds, so that a disturbance that hit one of two in one round does not
    count; of the launches it is the geometric mean.
    """
    launches: defaultdict[int, list[float]] = defaultdict(list)
    for place in sorted(first.keys() & second.keys()):
        if first[place] and second[place]:
            found = statistics.median(first[place]), statistics.median(second[place])
            if min(found) > 0.0:
                launches[place[0]].append(math.log(found[0] / found[1]))
    centre = mean([[statistics.median(rounds)] for rounds in launches.values()])
    if centre is None:
        return None
    known = len(launches) >= FEWEST_LAUNCHES and centre.low is not None and centre.high is not None
    # The logarithm of a ratio may lie on both sides of zero, so mean() clips nothing unless all are above it.
    half = centre.high - centre.value if centre.high is not None else 0.0
    low = math.exp(centre.value - half) if known else None
    high = math.exp(centre.value + half) if known else None
    return Ratio(math.exp(centre.value), low, high, len(launches), standing(low, high))


def standing(low: float | None, high: float | None) -> Standing:
    """What an interval of a ratio says of the first: four answers, as nvbench gives them.

    ``same``: the interval lies within 1 % of one, so even its far end does not matter. ``faster`` and ``slower``: it
    does not, and it excludes one. ``undecided``: neither.
    """
    if low is None or high is None:
        return "undecided"
    if low >= 1.0 - SAME and high <= 1.0 + SAME:
        return "same"
    if high < 1.0:
        return "faster"
    return "slower" if low > 1.0 else "undecided"
