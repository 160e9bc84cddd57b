"""One shape and colour a family, one filling a target: the same in every figure, and readable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle

from edgekit.decision.words import model_name, target_name
from edgekit.report.evidence import Row
from edgekit.report.plots.canvas import MUTED, PAPER, SERIES
from edgekit.report.text import shorten

Filling = Literal["full", "none", "left", "bottom", "right", "top"]
_SHAPES = ("o", "s", "^", "D", "v", "P", "X")
_FILLS: tuple[Filling, ...] = ("full", "none", "left", "bottom", "right", "top")
_LEGEND_FAMILIES = 8
_LEGEND_CHARACTERS = 18


@dataclass(frozen=True)
class Look:
    """How a candidate's point is drawn."""

    color: str
    shape: str
    filling: Filling

    def line(self) -> Line2D:
        """A point in this look, for a legend."""
        return Line2D([], [], **self.settings(), linestyle="none")

    def settings(self) -> dict[str, Any]:
        """Keyword arguments of a matplotlib line."""
        hollow = self.filling == "none"
        return {
            "marker": MarkerStyle(self.shape, fillstyle="full" if hollow else self.filling),
            "markersize": 7.0,
            "markerfacecolor": PAPER if hollow else self.color,
            "markerfacecoloralt": PAPER,
            "markeredgecolor": self.color,
            "markeredgewidth": 1.4,
            "color": self.color,
        }


def looks(rows: Sequence[Row]) -> dict[int, Look]:
    """The look of each row, by its number."""
    families = list(dict.fromkeys(sorted(row.family for row in rows)))
    targets = list(dict.fromkeys(sorted(row.target for row in rows)))
    return {
        row.number: Look(
            SERIES[families.index(row.family) % len(SERIES)],
            _SHAPES[families.index(row.family) % len(_SHAPES)],
            _FILLS[targets.index(row.target) % len(_FILLS)],
        )
        for row in rows
    }


def legend_lines(rows: Sequence[Row]) -> list[tuple[Line2D, str]]:
    """A line for each family, and for each target if there are several."""
    look_of = looks(rows)
    families = {row.family: look_of[row.number] for row in rows}
    targets = {row.target: look_of[row.number] for row in rows}
    entries = [
        (Look(look.color, look.shape, "full").line(), shorten(model_name(family), _LEGEND_CHARACTERS))
        for family, look in sorted(families.items())
    ]
    if len(entries) > _LEGEND_FAMILIES:
        entries = entries[:_LEGEND_FAMILIES]
    if len(targets) > 1:
        entries += [
            (Look(MUTED, "o", look.filling).line(), shorten(target_name(target), _LEGEND_CHARACTERS))
            for target, look in sorted(targets.items())
        ]
    return entries
