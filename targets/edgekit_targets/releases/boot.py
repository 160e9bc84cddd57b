"""Which start of the machine this is, and how long ago it was: what a deadline needs where no clock can be trusted.

A small board without a battery does not know the time of day after it starts; the seconds since then it does know.
"""

from __future__ import annotations

import subprocess
import time
from functools import cached_property
from pathlib import Path
from typing import Protocol

_LINUX = Path("/proc/sys/kernel/random/boot_id")


class Boot(Protocol):
    """What is known of this start."""

    @property
    def id(self) -> str:
        """Another one after each restart."""

    def seconds(self) -> float:
        """Since the start, sleep included where the system counts it."""


class RealBoot:
    """As the kernel tells it."""

    @cached_property
    def id(self) -> str:
        """Of the kernel: a random number at each start."""
        return _boot_id()

    def seconds(self) -> float:
        """Since the start: ``CLOCK_BOOTTIME`` on Linux, the monotonic clock elsewhere."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class ScriptedBoot:
    """A machine whose restarts and time are called for, in tests and on simulated devices."""

    def __init__(self) -> None:
        self._starts, self._now = 0, 0.0

    @property
    def id(self) -> str:
        """The number of the start."""
        return f"boot-{self._starts}"

    def seconds(self) -> float:
        """What has passed since the last restart."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def restart(self) -> None:
        """Start again."""
        self._starts, self._now = self._starts + 1, 0.0


def _boot_id() -> str:
    if _LINUX.exists():
        return _LINUX.read_text(encoding="ascii").strip()
    told = subprocess.run(["sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"
