"""From estimates to the figures of a round: the one place where figures are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from edgekit.rounds.contract import LSTM, TRANSFORMER, Family, Figure, Unit

if TYPE_CHECKING:
    from edgekit.statistics.proportions import Difference


class Bounded(Protocol):
    """What every estimate has: a value and the ends of its interval, null where it has none."""

    @property
    def value(self) -> float:
        """The estimate itself."""

    @property
    def low(self) -> float | None:
        """The lower end."""

    @property
    def high(self) -> float | None:
        """The upper end."""


def measured(
    what: str,
    family: str | None,
    found: Bounded,
    unit: Unit,
    basis: str,
    *,
    times: float = 1.0,
    least: float | None = None,
) -> Figure:
    """An estimate as a figure.

    Args:
        what: it is.
        family: whose it is; null for what compares two.
        found: the estimate.
        unit: of the figure.
        basis: what it rests on.
        times: what the estimate is multiplied by, 1000 for that of a thousand inferences.
        least: what it cannot be below, whatever the interval says.
    """
    low, high = (None if end is None else times * end for end in (found.low, found.high))
    if least is not None and low is not None:
        low = max(least, low)
    return Figure(what=what, family=family, value=times * found.value, low=low, high=high, unit=unit, basis=basis)


def exact(what: str, family: str, value: float, unit: Unit, basis: str) -> Figure:
    """What was counted and has no uncertainty."""
    return Figure(what=what, family=family, value=value, low=value, high=value, unit=unit, basis=basis)


def share(what: str, family: str, found: Bounded, basis: str) -> Figure:
    """A share answered right."""
    return measured(what, family, found, "share", basis)


def difference(what: str, found: Difference, basis: str, family: str | None = None) -> Figure:
    """A difference of shares: the LSTM's minus the Transformer's, unless it is of one family against something else."""
    return measured(what, family, found, "difference", basis)


def missing(what: str, family: str | None, unit: Unit, reason: str) -> Figure:
    """What was not measured, and why."""
    return Figure(what=what, family=family, value=None, low=None, high=None, unit=unit, basis="", reason=reason)


def ahead(low: float | None, high: float | None, *, even: float = 0.0, more_is: Family = LSTM) -> Family | None:
    """Who is ahead by the interval of an LSTM's figure against a Transformer's; None where it holds ``even``.

    Args:
        low: of the interval.
        high: likewise.
        even: where both are alike: 0 of a difference, 1 of a ratio.
        more_is: who is ahead where the figure is above ``even``.
    """
    if low is None or high is None or low <= even <= high:
        return None
    other: Family = TRANSFORMER if more_is == LSTM else LSTM
    return more_is if low > even else other


def smaller(lstm: Figure, transformer: Figure) -> Family | None:
    """Whose interval lies wholly below the other's; None where they overlap or an end is missing."""
    if lstm.low is None or lstm.high is None or transformer.low is None or transformer.high is None:
        return None
    if lstm.high < transformer.low:
        return LSTM
    return TRANSFORMER if transformer.high < lstm.low else None
