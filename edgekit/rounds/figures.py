"""From estimates to the figures of a round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.rounds.contract import LSTM, TRANSFORMER, Family, Figure, Unit
from edgekit.statistics.proportions import Difference, Estimate

if TYPE_CHECKING:
    from edgekit_targets.types.profile import Latency


def share(what: str, family: str, found: Estimate, basis: str) -> Figure:
    """A share answered right."""
    return Figure(
        what=what, family=family, value=found.value, low=found.low, high=found.high, unit="share", basis=basis
    )


def difference(what: str, found: Difference, basis: str) -> Figure:
    """The LSTM's share minus the Transformer's."""
    return Figure(
        what=what, family=None, value=found.value, low=found.low, high=found.high, unit="difference", basis=basis
    )


def p99(what: str, family: str, found: Latency, basis: str) -> Figure:
    """The p99 of a latency."""
    return Figure(
        what=what,
        family=family,
        value=found.p99_seconds,
        low=found.p99_low_seconds,
        high=found.p99_high_seconds,
        unit="seconds",
        basis=basis,
        reason=None if found.p99_seconds is not None else f"{found.samples} samples are too few for a p99",
    )


def p50(what: str, family: str, found: Latency, basis: str) -> Figure:
    """The median of a latency."""
    return Figure(
        what=what,
        family=family,
        value=found.p50_seconds,
        low=found.p50_low_seconds,
        high=found.p50_high_seconds,
        unit="seconds",
        basis=basis,
    )


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
