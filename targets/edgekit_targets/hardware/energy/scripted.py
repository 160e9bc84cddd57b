"""A source whose power is set by whoever plays the machine; it ships with the fake runtime."""

from __future__ import annotations

from edgekit_targets.hardware.energy.contract import Unreadable
from edgekit_targets.measure.clock import ScriptedClock


class ScriptedEnergy:
    """Counts ``watts`` over the scripted clock's time."""

    name = "measured: scripted"
    window_seconds = 0.5

    def __init__(self, clock: ScriptedClock, watts: float) -> None:
        """Draw ``watts`` all the time."""
        self._clock = clock
        self.watts = watts
        self._since: int | None = None

    def start(self) -> None:
        """Note the time."""
        self._since = self._clock.now()

    def stop(self) -> float:
        """The power times the time since then."""
        if self._since is None:
            raise Unreadable("scripted: nothing was started")
        return self.watts * (self._clock.now() - self._since) / 1e9
