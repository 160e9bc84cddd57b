"""What a stopwatch is made of, so that the measuring can be tested with a scripted one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Two counters in nanoseconds; only differences mean anything."""

    @property
    def now(self) -> Callable[[], int]:
        """Wall time, monotonic."""

    @property
    def cpu(self) -> Callable[[], int]:
        """Processor time of this process, user and system, all threads."""


class RealClock:
    """The machine's own counters, handed out bare: a wrapper would be timed along."""

    now = staticmethod(time.perf_counter_ns)
    cpu = staticmethod(time.process_time_ns)


class ScriptedClock:
    """A clock that moves only when told to, so that every figure of a test is exact."""

    def __init__(self) -> None:
        self._wall = 0
        self._cpu = 0

    def now(self) -> int:
        """Wall time so far, in nanoseconds."""
        return self._wall

    def cpu(self) -> int:
        """Processor time so far, in nanoseconds."""
        return self._cpu

    def advance(self, seconds: float, *, cores: float = 1.0) -> None:
        """Let ``seconds`` pass, with ``cores`` of the processor busy for us."""
        step = round(seconds * 1e9)
        self._wall += step
        self._cpu += round(step * cores)
