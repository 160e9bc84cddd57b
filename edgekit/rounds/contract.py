"""What a round says, and what all of them say together: the score card."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

SCHEMA_VERSION = 1
LSTM: Literal["lstm"] = "lstm"
TRANSFORMER: Literal["transformer"] = "transformer"
Family = Literal["lstm", "transformer"]
Unit = Literal["share", "seconds", "bytes", "joules", "ratio", "steps", "difference", "count", "score"]
"""``difference`` is one of shares, the LSTM's minus the Transformer's; ``ratio`` one of times; ``score`` has none."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure with its 95 % interval.

    ``family`` is null for what compares two (the LSTM comes first). ``value`` is null for what was not measured, and
    ``reason`` then says why. ``basis`` says what it rests on: seeds, sizes, samples, launches.
    """

    what: str
    family: str | None
    value: float | None
    low: float | None
    high: float | None
    unit: Unit
    basis: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """Text in rows and columns, for the terminal and the page; the first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a plot; an end that is null is not drawn. ``family`` decides its colour and mark."""

    name: str
    family: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    dashed: bool = False


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Lines over one axis, as data. ``caption`` is the message in a sentence computed from the numbers.

    ``level`` draws one horizontal line at that y. Units stand in the labels; shares are drawn in percent.
    """

    key: str
    title: str
    caption: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    x_log: bool = True
    y_log: bool = False
    y_unit: Unit = "share"
    level: float | None = None


@dataclass(frozen=True, kw_only=True)
class Aspect:
    """One row of the closing table. ``difference`` compares the two, where one figure does; ``winner`` null is a tie.

    ``note`` says what kept it from being measured, or what a reader must know.
    """

    name: str
    lstm: Figure
    transformer: Figure
    winner: Family | None
    difference: Figure | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Round:
    """One round.

    ``winner`` is null at a tie and where it could not be told; ``tie`` is true only for the first: the evidence is
    there, and does not tell the families apart or speaks for both. ``holds`` says whether the usual claim held here,
    null where that was not measured. ``sentence`` is what was found; ``deciding`` the figure that decided.
    """

    name: str
    title: str
    claim: str
    winner: Family | None
    tie: bool
    holds: bool | None
    sentence: str
    deciding: Figure | None
    evidence: tuple[Figure, ...]
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    aspects: tuple[Aspect, ...] = ()
    notes: tuple[str, ...] = ()
    """What was skipped and why, and what a reader must know."""
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ScoreCard:
    """All rounds of one run. ``quick`` marks a run with fewer seeds, sizes and distances."""

    schema_version: int
    edgekit_version: str
    created: str
    quick: bool
    device: str
    settings: dict[str, Any]
    rounds: tuple[Round, ...]
    table: tuple[Aspect, ...]
    not_held: tuple[str, ...]
    """A sentence for each usual claim that did not hold here."""
