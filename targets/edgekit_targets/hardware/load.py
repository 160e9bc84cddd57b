"""What else kept the machine busy while something was measured: counters before and after, and what they tell.

What counts is what delayed *us*: the time our threads were ready and waited for a processor (``/proc/self/task/*/
schedstat``, Documentation/scheduler/sched-stats in the kernel, in nanoseconds), and what other virtual machines took
(``steal`` in ``/proc/stat``). Work on another core is told, but it makes no figure doubtful.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from edgekit_targets.types.profile import POWER_CAP, Conditions, Disturbance

WAITING_SHARE = 0.05
STEAL_SHARE = 0.05
_OTHERS_SHARE = 0.10
_SLOWED_SHARE = 0.90
_ASLEEP_SECONDS = 0.1
_SHORTEST_SECONDS = 0.2
"""Ticks are 10 ms: over less than this they tell nothing."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """Counters since boot, in seconds over all processors; ``own_seconds`` is this process's part of ``busy_seconds``.

    ``waited_seconds``: how long our threads were ready to run and did not. ``asleep_seconds``: how long the whole
    machine was suspended.
    """

    wall_seconds: float
    busy_seconds: float
    steal_seconds: float
    own_seconds: float
    waited_seconds: float | None
    asleep_seconds: float
    swapped_pages: int


def read_load(root: Path = Path("/")) -> Load | None:
    """The counters now, or nothing where the system does not have them. ``root`` is another folder in tests."""
    try:
        ticks = [int(field) for field in (root / "proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]]
        swap = dict(line.split() for line in (root / "proc/vmstat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):
        return None
    if len(ticks) < 8:
        return None
    user, nice, system, _, _, irq, softirq, steal = ticks[:8]
    hertz = os.sysconf("SC_CLK_TCK")
    return Load(
        wall_seconds=time.perf_counter(),
        busy_seconds=(user + nice + system + irq + softirq) / hertz,
        steal_seconds=steal / hertz,
        own_seconds=time.process_time(),
        waited_seconds=_waited(root / "proc/self/task"),
        asleep_seconds=time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC),
        swapped_pages=int(swap.get("pswpin", 0)) + int(swap.get("pswpout", 0)),
    )


def disturbances(before: Load, after: Load) -> tuple[Disturbance, ...]:
    """Everything that makes the figures of this interval doubtful, by the counters."""
    wall = after.wall_seconds - before.wall_seconds
    found = []
    swapped = after.swapped_pages - before.swapped_pages
    if swapped > 0:
        found.append(
            Disturbance(
                kind="swap", detail=f"the machine swapped {swapped} pages meanwhile; free some memory and measure again"
            )
        )
    if after.asleep_seconds - before.asleep_seconds > _ASLEEP_SECONDS:
        found.append(Disturbance(kind="clock", detail="the machine was suspended meanwhile; keep it awake"))
    if wall <= 0:
        return tuple(found)
    if before.waited_seconds is not None and after.waited_seconds is not None:
        waited = (after.waited_seconds - before.waited_seconds) / wall
        if waited > WAITING_SHARE:
            found.append(
                Disturbance(
                    kind="load",
                    detail=f"other processes kept it waiting for a processor {waited:.0%} of the time; "
                    "close them and measure again",
                )
            )
    steal = (after.steal_seconds - before.steal_seconds) / wall
    if wall >= _SHORTEST_SECONDS and steal > STEAL_SHARE:
        found.append(
            Disturbance(kind="load", detail=f"other virtual machines took {steal:.0%} of a processor meanwhile")
        )
    return tuple(found)


def changes(before: Conditions, after: Conditions) -> tuple[Disturbance, ...]:
    """Everything that makes the figures between two states of the machine doubtful."""
    found = []
    if before.frequency_hz and after.frequency_hz and after.frequency_hz < _SLOWED_SHARE * before.frequency_hz:
        found.append(
            Disturbance(
                kind="clock",
                detail=f"the processor slowed down from {before.frequency_hz / 1e6:.0f} to "
                f"{after.frequency_hz / 1e6:.0f} MHz meanwhile; check cooling and the governor",
            )
        )
    if before.governor != after.governor:
        found.append(
            Disturbance(
                kind="clock", detail=f"the governor changed from {before.governor} to {after.governor} meanwhile"
            )
        )
    if before.power != after.power:
        found.append(
            Disturbance(kind="power", detail=f"the power source changed from {before.power} to {after.power} meanwhile")
        )
    if after.throttled:
        found.append(
            Disturbance(
                kind="throttling",
                detail=f"the processor is held back ({', '.join(after.throttled)}); check cooling and power supply",
            )
        )
    held = [word for word in (after.device and after.device.throttled) or () if word != POWER_CAP]
    if held:
        found.append(
            Disturbance(
                kind="throttling", detail=f"the GPU is held back ({', '.join(held)}); check cooling and power supply"
            )
        )
    return tuple(found)


def remarks(before: Load, after: Load) -> tuple[str, ...]:
    """What a reader should know of this interval, and that need not have touched its figures."""
    wall = after.wall_seconds - before.wall_seconds
    if wall < _SHORTEST_SECONDS:
        return ()
    others = (after.busy_seconds - before.busy_seconds - (after.own_seconds - before.own_seconds)) / wall
    if others <= _OTHERS_SHARE:
        return ()
    return (f"other processes used {others:.0%} of a processor meanwhile",)


def _waited(tasks: Path) -> float | None:
    """Of all our threads; those that ended meanwhile are gone with their time."""
    total = 0
    try:
        for task in tasks.iterdir():
            total += int((task / "schedstat").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return total / 1e9
