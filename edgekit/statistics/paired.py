"""Two candidates against each other: the ratio of their times, from rounds in which both were measured.

What a machine does meanwhile it does to both of a round, so ratios within rounds vary far less than the times do. What
is particular to a process (its memory layout) it keeps, so rounds of one launch are a cluster. Of two that no round has
in common the ratio is told from the launches of each, and surely less well.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.statistics.means import Mean, mean

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
    centre = _centre(launches)
    return None if centre is None else _ratio(*centre, len(launches))


def typical(found: Mapping[Round, Sequence[float]]) -> Mean | None:
    """The geometric mean of the launches' medians, in the unit of the samples; None without a launch.

    Its interval comes from how launches differ, so it has one where the samples alone do not bound their median; null
    with too few launches.
    """
    launches = _medians(found)
    centre = _centre(launches)
    if centre is None:
        return None
    middle, half = centre
    if len(launches) < FEWEST_LAUNCHES:
        return Mean(math.exp(middle), None, None)
    return Mean(math.exp(middle), math.exp(middle - half), math.exp(middle + half))


def apart(first: Mapping[Round, Sequence[float]], second: Mapping[Round, Sequence[float]]) -> Ratio | None:
    """Of the medians, from the launches of each alone; None where one has none.

    A launch stands for the median of its rounds; the two means of logarithms are independent, so the squares of their
    half-widths add up.
    """
    sides = []
    for found in (first, second):
        launches = _medians(found)
        centre = _centre(launches)
        if centre is None:
            return None
        sides.append((*centre, len(launches)))
    (mine, my_half, my_launches), (theirs, their_half, their_launches) = sides
    return _ratio(mine - theirs, math.hypot(my_half, their_half), min(my_launches, their_launches))


def _medians(found: Mapping[Round, Sequence[float]]) -> dict[int, list[float]]:
    """Logarithms of the medians of rounds, by launch."""
    launches: defaultdict[int, list[float]] = defaultdict(list)
    for place, samples in sorted(found.items()):
        if samples and (middle := statistics.median(samples)) > 0.0:
            launches[place[0]].append(math.log(middle))
    return launches


def _centre(launches: Mapping[int, Sequence[float]]) -> tuple[float, float] | None:
    """The mean of one logarithm a launch, and how far its interval reaches."""
    found = mean([[statistics.median(rounds)] for rounds in launches.values()])
    if found is None:
        return None
    # mean() clips the lower end where all values are positive, which a logarithm may be below.
    return found.value, found.high - found.value if found.high is not None else 0.0


def _ratio(centre: float, half: float, launches: int) -> Ratio:
    known = launches >= FEWEST_LAUNCHES
    low = math.exp(centre - half) if known else None
    high = math.exp(centre + half) if known else None
    return Ratio(math.exp(centre), low, high, launches, standing(low, high))


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
