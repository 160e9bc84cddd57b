"""What edgekit asks of a source of energy readings."""

from __future__ import annotations

from typing import Protocol


class Unreadable(Exception):
    """Energy cannot be read here, or not over this interval; the message says why, and what would change that."""


class EnergySource(Protocol):
    """Tells the energy used between two moments, of everything that the source covers. Opening one may fail."""

    name: str
    """What is read, beginning with ``measured:`` or ``estimated:``."""
    window_seconds: float
    """The shortest interval over which it tells something."""

    def start(self) -> None:
        """Begin an interval.

        Raises:
            Unreadable: the source does not answer any more.
        """

    def stop(self) -> float:
        """The joules used since :meth:`start`.

        Raises:
            Unreadable: the source does not answer any more, or the interval was too long or too short for it.
        """
