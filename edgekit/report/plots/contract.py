"""What a figure is: a drawing with its message in words, or the sentence that says why it is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.report.evidence import Evidence, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure. ``caption`` is one sentence computed from the numbers; ``description`` says what is drawn and how."""

    key: str
    title: str
    caption: str
    description: str
    figure: Figure


@dataclass(frozen=True, kw_only=True)
class Omitted:
    """A figure that the evidence does not give, and the reason in one sentence."""

    key: str
    title: str
    reason: str


Plot = Callable[[Evidence, Sequence[Row]], Drawing | Omitted]
"""Draws the rows of one mode; called inside :func:`edgekit.report.plots.canvas.style`."""
