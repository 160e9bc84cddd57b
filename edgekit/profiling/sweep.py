"""What a sweep over lengths says: where one model overtakes another on this device."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgekit.statistics.crossover import Point, crossing
from edgekit_targets.types.manifest import REFERENCE_PAIR, Precision
from edgekit_targets.types.profile import Crossover, Measurement
from edgekit_targets.types.session import SessionOptions, options_of


@dataclass(frozen=True)
class _Alike:
    """What two models that are compared have in common; without a target each is taken at its best."""

    batch: int
    every_seconds: float | None
    target: str | None = None
    precision: Precision | None = None
    options: SessionOptions | None = None


_Curves = defaultdict[str, list[Point]]


def crossovers(measurements: Sequence[Measurement]) -> tuple[Crossover, ...]:
    """Every two models that were measured at two or more common lengths: each at its best, and otherwise alike.

    Windows only: the step of a stream does no work that grows with a length. Of the reference families only the pair is
    compared; models of a user all with one another.
    """
    best: defaultdict[_Alike, _Curves] = defaultdict(lambda: defaultdict(list))
    alike: defaultdict[_Alike, _Curves] = defaultdict(lambda: defaultdict(list))
    for one in measurements:
        if one.mode != "window" or not one.valid or one.latency is None:
            continue
        latency = one.latency
        point = Point(one.length, latency.p50_seconds, latency.p50_low_seconds, latency.p50_high_seconds)
        group = _Alike(one.batch, one.every_seconds, one.target, one.precision, options_of(one))
        alike[group][one.family].append(point)
        best[_Alike(one.batch, one.every_seconds)][one.family].append(point)
    if len(alike) == len(best):  # there is one way to run them, which is the best
        best.clear()
    return tuple(
        found
        for group, curves in itertools.chain(best.items(), alike.items())
        for found in _compare(group, {family: _lowest(points) for family, points in curves.items()})
    )


def _lowest(points: Sequence[Point]) -> list[Point]:
    """The lowest value at each length."""
    found: dict[float, Point] = {}
    for point in points:
        if point.x not in found or point.value < found[point.x].value:
            found[point.x] = point
    return sorted(found.values(), key=lambda point: point.x)


def _compare(group: _Alike, curves: Mapping[str, Sequence[Point]]) -> list[Crossover]:
    families = REFERENCE_PAIR if set(REFERENCE_PAIR) <= set(curves) else tuple(sorted(curves))
    found = []
    for names in itertools.combinations(families, 2):
        first, second = (curves[name] for name in names)
        met = crossing(first, second)
        if met is None:
            continue
        common = {point.x for point in first} & {point.x for point in second}
        found.append(
            Crossover(
                families=names,
                precision=group.precision,
                target=group.target,
                threads=group.options.threads if group.options is not None else None,
                batch=group.batch,
                length=met.x,
                length_low=met.low,
                length_high=met.high,
                shortest=int(min(common)),
                longest=int(max(common)),
                faster_before=None if met.below_before is None else names[met.below_before],
                faster_after=None if met.below_after is None else names[met.below_after],
                crossings=met.crossings,
            )
        )
    return found
