"""How a long job tells whoever started it how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called often, cheaply; the command draws a bar on stderr from it, the tests pass :func:`silent`."""

    def __call__(self, stage: str, done: float, total: float) -> None:
        """``done`` of ``total`` (same unit, any unit) of the work called ``stage`` is finished."""


def silent(stage: str, done: float, total: float) -> None:
    """Draw nothing."""
