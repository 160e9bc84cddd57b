"""What a sweep over lengths or batches says: where one model overtakes another on this device.

A step of a stream does no work that grows with a length, so its curve is flat: a family's window is held against its
own step, which says from which length on a stream is the cheaper way to answer each new sample, and the steps of two
families against each other. Only figures of one pace are compared: a process that sleeps between inputs is slower.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.statistics.crossover import Point, crossing
from edgekit_targets.types.manifest import REFERENCE_PAIR, Mode, Precision
from edgekit_targets.types.profile import Crossover, Latency, Measurement
from edgekit_targets.types.session import SessionOptions, options_of

Over = Literal["length", "batch"]
_FLAT = (1.0, 2.0)
"""Where the steps of two streams are compared; anywhere is the same."""


@dataclass(frozen=True)
class _Alike:
    """What two models that are compared have in common; without a target each is taken at its best."""

    over: Over
    held: int
    every_seconds: float | None
    target: str | None = None
    precision: Precision | None = None
    options: SessionOptions | None = None


_Kind = tuple[str, Mode]
_Curves = defaultdict[_Kind, list[Point]]


def competitor(family: str, mode: Mode) -> str:
    """What a crossover calls a family in a mode: ``lstm``, and ``lstm stream`` for its stream."""
    return family if mode == "window" else f"{family} {mode}"


def crossovers(measurements: Sequence[Measurement]) -> tuple[Crossover, ...]:
    """Every two models that were measured at two or more common lengths or batches: each at its best, and alike.

    Of the reference families only the pair is compared; models of a user all with one another.
    """
    usable = [one for one in measurements if one.valid and one.latency is not None]
    return (*_swept(usable, "length"), *_swept(usable, "batch"))


def _swept(measurements: Sequence[Measurement], over: Over) -> list[Crossover]:
    best: defaultdict[_Alike, _Curves] = defaultdict(lambda: defaultdict(list))
    alike: defaultdict[_Alike, _Curves] = defaultdict(lambda: defaultdict(list))
    for one in measurements:
        assert one.latency is not None
        # A stream's own length is that of its step; what is held beside a sweep over batches is a window's.
        held = one.batch if over == "length" else one.length
        kind = one.family, one.mode
        group = _Alike(over, held, one.every_seconds, one.target, one.precision, options_of(one))
        for x in _FLAT if over == "length" and one.mode == "stream" else (getattr(one, over),):
            alike[group][kind].append(_point(x, one.latency))
            best[_Alike(over, held, one.every_seconds)][kind].append(_point(x, one.latency))
    if len(alike) == len(best):  # there is one way to run them, which is the best
        best.clear()
    return [
        found
        for group, curves in itertools.chain(best.items(), alike.items())
        for found in _compare(group, {kind: _lowest(points) for kind, points in curves.items()})
    ]


def _point(x: float, latency: Latency) -> Point:
    return Point(x, latency.p50_seconds, latency.p50_low_seconds, latency.p50_high_seconds)


def _lowest(points: Sequence[Point]) -> list[Point]:
    """The lowest value at each length or batch."""
    found: dict[float, Point] = {}
    for point in points:
        if point.x not in found or point.value < found[point.x].value:
            found[point.x] = point
    return sorted(found.values(), key=lambda point: point.x)


def _compare(group: _Alike, curves: Mapping[_Kind, Sequence[Point]]) -> list[Crossover]:
    found: list[Crossover | None] = []
    for mode in ("window", "stream"):
        of_mode = {family for family, its in curves if its == mode}
        families = REFERENCE_PAIR if set(REFERENCE_PAIR) <= of_mode else tuple(sorted(of_mode))
        found += [
            _met(group, ((first, mode), (second, mode)), curves)
            for first, second in itertools.combinations(families, 2)
        ]
    if group.over == "length":
        for family, mode in curves:
            if mode == "window" and (family, "stream") in curves:
                found.append(_met(group, ((family, "window"), (family, "stream")), curves))
    return [one for one in found if one is not None]


def _met(group: _Alike, kinds: tuple[_Kind, _Kind], curves: Mapping[_Kind, Sequence[Point]]) -> Crossover | None:
    first, second = (curves[kind] for kind in kinds)
    if kinds[0][1] != kinds[1][1]:  # the step's curve, flat, wherever the window was measured
        second = [Point(point.x, second[0].value, second[0].low, second[0].high) for point in first]
    met = crossing(first, second)
    if met is None:
        return None
    common = {point.x for point in first} & {point.x for point in second}
    flat = group.over == "length" and kinds[0][1] == "stream"
    names = tuple(competitor(*kind) for kind in kinds)
    return Crossover(
        families=(kinds[0][0], kinds[1][0]),
        modes=(kinds[0][1], kinds[1][1]),
        precision=group.precision,
        target=group.target,
        threads=group.options.threads if group.options is not None else None,
        over=group.over,
        batch=group.held if group.over == "length" else None,
        steps=group.held if group.over == "batch" else None,
        every_seconds=group.every_seconds,
        length=met.x,
        length_low=met.low,
        length_high=met.high,
        shortest=1 if flat else int(min(common)),
        longest=1 if flat else int(max(common)),
        faster_before=None if met.below_before is None else names[met.below_before],
        faster_after=None if met.below_after is None else names[met.below_after],
        crossings=met.crossings,
    )
