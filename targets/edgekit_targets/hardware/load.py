"""What else kept the machine busy while something was measured: counters before and after, and what they tell.

The first line of ``/proc/stat`` counts the ticks of all processors (man 5 proc_stat), ``/proc/vmstat`` the pages
swapped; both are read once before and once after a slice, never during it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_STEAL_SHARE = 0.02
_OTHERS_SHARE = 0.10
_SLOWED_SHARE = 0.90
_SHORTEST_SECONDS = 0.2
"""Ticks are 10 ms: over less than this they tell nothing."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """Counters since boot, in seconds over all processors; ``own_seconds`` is this process's part of ``busy_seconds``.

    ``frequency_hz`` is that of the first processor now, null where the kernel does not say.
    """

    wall_seconds: float
    busy_seconds: float
    steal_seconds: float
    own_seconds: float
    swapped_pages: int
    frequency_hz: float | None


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
        swapped_pages=int(swap.get("pswpin", 0)) + int(swap.get("pswpout", 0)),
        frequency_hz=_frequency(root),
    )


def disturbances(before: Load, after: Load) -> tuple[str, ...]:
    """One line for each thing that makes the figures of this interval doubtful."""
    wall = after.wall_seconds - before.wall_seconds
    if wall < _SHORTEST_SECONDS:
        return ()
    lines = []
    swapped = after.swapped_pages - before.swapped_pages
    if swapped > 0:
        lines.append(f"the machine swapped {swapped} pages meanwhile; free some memory and measure again")
    steal = (after.steal_seconds - before.steal_seconds) / wall
    if steal > _STEAL_SHARE:
        lines.append(f"other virtual machines took {steal:.0%} of a processor meanwhile")
    others = (after.busy_seconds - before.busy_seconds - (after.own_seconds - before.own_seconds)) / wall
    if others > _OTHERS_SHARE:
        lines.append(f"other processes used {others:.0%} of a processor meanwhile; close them and measure again")
    if before.frequency_hz and after.frequency_hz and after.frequency_hz < _SLOWED_SHARE * before.frequency_hz:
        lines.append(
            f"the processor slowed down from {before.frequency_hz / 1e6:.0f} to {after.frequency_hz / 1e6:.0f} MHz "
            "meanwhile; check cooling and the governor"
        )
    return tuple(lines)


def _frequency(root: Path) -> float | None:
    try:
        text = (root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq").read_text(encoding="ascii")
        return float(text) * 1000.0
    except (OSError, ValueError):
        return None
