"""Where two curves cross, with an interval: the length at which one model overtakes another.

The curves are compared as the logarithm of their ratio, straight between measured lengths on a logarithmic axis, with
the interval that :mod:`edgekit.statistics.ratios` gives it. The crossing's interval is the stretch of lengths at which
the ratio cannot be told from one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.statistics.ratios import log_half_width

_BOUNDLESS = 1e9
"""No ratio of two times has such a logarithm."""


@dataclass(frozen=True)
class Point:
    """One measured figure at ``x`` > 0, with its interval; where an end is missing the figure says nothing there."""

    x: float
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Crossing:
    """Where the second curve gets below the first or the other way round.

    ``x`` is null where the curves do not cross within what was measured; ``low`` or ``high`` is null where the
    uncertainty reaches beyond what was measured. ``below_before`` and ``below_after`` are 0 or 1, the curve that is
    lower at the first and the last ``x``, null where that cannot be told. ``crossings`` counts changes of sign.
    """

    x: float | None
    low: float | None
    high: float | None
    below_before: int | None
    below_after: int | None
    crossings: int


def crossing(first: Sequence[Point], second: Sequence[Point]) -> Crossing | None:
    """Compare two curves at the ``x`` they have in common; None with fewer than two of those.

    Of several crossings the first is given.
    """
    pairs = {point.x: point for point in second}
    common = sorted((point for point in first if point.x in pairs), key=lambda point: point.x)
    if len(common) < 2:
        return None
    xs = [math.log(point.x) for point in common]
    ratios = [math.log(point.value / pairs[point.x].value) for point in common]
    halves = [math.hypot(_half(point), _half(pairs[point.x])) for point in common]
    lows = [ratio - half for ratio, half in zip(ratios, halves, strict=True)]
    highs = [ratio + half for ratio, half in zip(ratios, halves, strict=True)]
    crossed = _roots(xs, ratios)
    at = crossed[0] if crossed else None
    return Crossing(
        x=None if at is None else math.exp(at),
        low=None if at is None else _edge([root for root in (*_roots(xs, lows), *_roots(xs, highs)) if root <= at], -1),
        high=None if at is None else _edge([root for root in (*_roots(xs, lows), *_roots(xs, highs)) if root >= at], 0),
        below_before=_below(lows[0], highs[0]),
        below_after=_below(lows[-1], highs[-1]),
        crossings=len(crossed),
    )


def _half(point: Point) -> float:
    """An infinite half-width is made finite, so that lines can be drawn from it: they fall off at the next point."""
    return min(log_half_width(point.value, point.low, point.high), _BOUNDLESS)


def _roots(xs: Sequence[float], ys: Sequence[float]) -> list[float]:
    """Where a polyline changes its sign; touching zero without changing it does not count."""
    found: list[float] = []
    known = [(x, y) for x, y in zip(xs, ys, strict=True) if y != 0.0]
    for (x0, y0), (x1, y1) in itertools.pairwise(known):
        if (y0 < 0.0) != (y1 < 0.0):
            found.append(x0 + (x1 - x0) * y0 / (y0 - y1))
    return found


def _edge(roots: Sequence[float], which: int) -> float | None:
    return math.exp(sorted(roots)[which]) if roots else None


def _below(low: float, high: float) -> int | None:
    if high < 0.0:
        return 0
    return 1 if low > 0.0 else None
