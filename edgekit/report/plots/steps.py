"""The steps of a sample along an axis: names short enough, not too many of them, and the room they take."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from matplotlib.axis import Axis, XAxis
from matplotlib.ticker import FixedFormatter, FixedLocator

from edgekit.report.text import shorten

_LONGEST: Final = 12
_MOST: Final = 16
_FEW: Final = 8
_UPRIGHT: Final = 3
"""Names of so few characters stand side by side; longer ones are turned."""
_WIDE, _CAPITAL, _OTHER = 0.17, 0.14, 0.088


def named(labels: Sequence[str]) -> list[str]:
    """The labels as they are drawn."""
    return [shorten(label, _LONGEST) for label in labels]


def room(names: Sequence[str]) -> float:
    """The inches that the longest name takes, at most, in whatever font the reader has."""
    return max((sum(map(_inches, name)) for name in names), default=0.0)


def below(names: Sequence[str]) -> float:
    """The inches that they take below an axis."""
    return 0.16 if max(map(len, names)) <= _UPRIGHT else room(names)


def name_steps(axis: Axis, names: Sequence[str], *, told: bool = True) -> None:
    """A tick at every step, or at some of many; its name where they are ``told``."""
    shown = range(len(names)) if len(names) <= _MOST else range(0, len(names), -(-len(names) // _FEW))
    axis.set_major_locator(FixedLocator(list(shown)))
    axis.set_major_formatter(FixedFormatter([names[place] if told else "" for place in shown]))
    turned = isinstance(axis, XAxis) and max(map(len, names)) > _UPRIGHT
    axis.set_tick_params(length=0, pad=3, labelrotation=90 if turned else 0)


def _inches(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WFA":
        return _WIDE
    return _CAPITAL if character.isupper() or character in "mw%@…" else _OTHER
