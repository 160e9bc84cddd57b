"""How fast this processor is right now, told by a loop that always does the same.

A clock that cannot be read (in a virtual machine, on macOS and Windows) and a neighbour on the other half of the same
core (simultaneous multithreading) slow everything down, up to two times, and no counter shows it: no time was stolen,
nobody waited. The loop takes longer then, too. It says nothing of memory bandwidth and caches.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns

_ADDITIONS = 4_000
_REPEATS = 3
"""The shortest counts, so that an interruption of one is not taken for a slower processor."""


def loop_seconds(now: Callable[[], int] = perf_counter_ns) -> float:
    """The shortest of three runs, in seconds: 0.1 to 1 ms each."""
    taken = []
    for _ in range(_REPEATS):
        start = now()
        sum(range(_ADDITIONS))
        taken.append(now() - start)
    return min(taken) / 1e9
