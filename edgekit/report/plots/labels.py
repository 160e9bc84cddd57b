"""Numbers beside points, none on top of another: each takes the cheapest of a few places around its point.

A greedy version of the classic point-feature labelling (Christensen, Marks & Shieber, ACM TOG 1995): exact placement is
NP-hard, and a few dozen short labels do not need it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_RADII = (11.0, 16.0, 22.0, 29.0, 37.0)
_ANGLES = (45, 135, 315, 225, 0, 180, 90, 270, 22, 68, 112, 158, 202, 248, 292, 338)
_CHARACTER, _LINE = 6.4, 11.0
_LEADER_FROM = 15.0


@dataclass(frozen=True)
class Box:
    """A rectangle in points, axes of the screen."""

    x0: float
    y0: float
    x1: float
    y1: float

    def overlap(self, other: Box) -> float:
        """The area both cover."""
        wide = min(self.x1, other.x1) - max(self.x0, other.x0)
        tall = min(self.y1, other.y1) - max(self.y0, other.y0)
        return wide * tall if wide > 0 and tall > 0 else 0.0


@dataclass(frozen=True)
class Place:
    """Where a label's centre goes, and whether it is far enough from its point to need a line to it."""

    x: float
    y: float
    leader: bool


def place(
    points: Sequence[tuple[float, float]], texts: Sequence[str], obstacles: Sequence[Box], frame: Box
) -> list[Place]:
    """A place for each text.

    Args:
        points: centres of the points, in points of the screen.
        texts: one a point.
        obstacles: what else should stay free, such as the bars of intervals; cheaper to cover than a label or a point.
        frame: labels stay inside.
    """
    marks = [_around(x, y, 9.0, 9.0) for x, y in points]
    placed: dict[int, Place] = {}
    boxes: list[Box] = []
    # Crowded points choose first: they have the fewest free places.
    for index in sorted(range(len(points)), key=lambda one: -_crowd(points, one)):
        x, y = points[index]
        wide = _CHARACTER * len(texts[index]) + 2
        best: tuple[float, Place, Box] | None = None
        for rank, (radius, angle) in enumerate((radius, angle) for radius in _RADII for angle in _ANGLES):
            shift_x = math.cos(math.radians(angle)) * (radius + wide / 2 - _CHARACTER * 0.8)
            shift_y = math.sin(math.radians(angle)) * radius
            box = _around(x + shift_x, y + shift_y, wide, _LINE)
            inside = box.overlap(frame)
            cost = rank * 0.4 + radius * 0.6 + (wide * _LINE - inside) * 20
            cost += 10 * sum(box.overlap(other) for other in (*boxes, *marks))
            cost += sum(box.overlap(other) for other in obstacles)
            if best is None or cost < best[0]:
                best = (cost, Place(x + shift_x, y + shift_y, radius > _LEADER_FROM), box)
        if best is not None:
            placed[index] = best[1]
            boxes.append(best[2])
    return [placed[index] for index in range(len(points))]


def _around(x: float, y: float, wide: float, tall: float) -> Box:
    return Box(x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2)


def _crowd(points: Sequence[tuple[float, float]], index: int) -> int:
    x, y = points[index]
    return sum(1 for other_x, other_y in points if math.hypot(other_x - x, other_y - y) < 30.0)
