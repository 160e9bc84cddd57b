"""The agent's readings of energy: of a slice that a worker runs, or of doing nothing.

They are taken here and not in the worker, which is the process that is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from edgekit_targets.agent.protocol import EnergyUsed
from edgekit_targets.hardware.energy import open_source
from edgekit_targets.hardware.energy.contract import EnergySource, Unreadable

Result = TypeVar("Result")


class EnergyReader:
    """Opens each target's source when it is first asked for."""

    def __init__(
        self,
        open_: Callable[[str], EnergySource] = open_source,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take sources from ``open_``; it and the clock are others in tests."""
        self._open = open_
        self._now = now
        self._sources: dict[str, EnergySource | Unreadable] = {}

    def window_seconds(self, target: str) -> float | None:
        """The shortest interval that tells something; null without a source."""
        source = self._source(target)
        return None if isinstance(source, Unreadable) else source.window_seconds

    def around(self, target: str, act: Callable[[], Result]) -> tuple[Result, EnergyUsed]:
        """Do something, and tell the energy used meanwhile."""
        source = self._source(target)
        start = self._now()
        if isinstance(source, Unreadable):
            result = act()
            return result, EnergyUsed(joules=None, seconds=self._now() - start, source=None, reason=str(source))
        joules, reason = None, None
        try:
            source.start()
        except Unreadable as error:
            reason = str(error)
        start = self._now()
        try:
            result = act()
        finally:
            seconds = self._now() - start
            if reason is None:
                try:
                    joules = source.stop()
                except Unreadable as error:
                    reason = str(error)
        return result, EnergyUsed(joules=joules, seconds=seconds, source=source.name, reason=reason)

    def _source(self, target: str) -> EnergySource | Unreadable:
        if target not in self._sources:
            try:
                self._sources[target] = self._open(target)
            except Unreadable as error:
                self._sources[target] = error
        return self._sources[target]
