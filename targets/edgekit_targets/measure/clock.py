"""What a stopwatch is made of, so that the measuring can be tested with a scripted one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Two counters in nanoseconds, of which only differences mean anything, and a way to let time pass."""

    @property
    def now(self) -> Callable[[], int]:
        """Wall time, monotonic."""

    @property
    def cpu(self) -> Callable[[], int]:
        """Processor time of this process, user and system, all threads."""

    @property
    def sleep(self) -> Callable[[float], None]:
        """Give the processor away for so many seconds, or a little longer."""


class RealClock:
    """The machine's own counters, handed out bare: a wrapper would be timed along."""

    now = staticmethod(time.perf_counter_ns)
    cpu = staticmethod(time.process_time_ns)
    sleep = staticmethod(time.sleep)


class ScriptedClock:
    """A clock that moves only when told to, so that every figure of a test is exact."""

    def __init__(self, *, wake_seconds: float = 0.0) -> None:
        self.wake_seconds = wake_seconds
        self._wall = 0
        self._cpu = 0

    def now(self) -> int:
        """Wall time so far, in nanoseconds."""
        return self._wall

    def cpu(self) -> int:
        """Processor time so far, in nanoseconds."""
        return self._cpu

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass, idle, and what waking up takes."""
        self.advance(seconds + self.wake_seconds, cores=0.0)

    def advance(self, seconds: float, *, cores: float = 1.0) -> None:
        """Let ``seconds`` pass, with ``cores`` of the processor busy for us."""
        step = round(seconds * 1e9)
        self._wall += step
        self._cpu += round(step * cores)
