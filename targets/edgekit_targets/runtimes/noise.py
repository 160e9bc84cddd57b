"""How latencies scatter on machines, scripted: for testing decisions that must hold in spite of it.

Each is a function of the number of the run that gives the same answer every time; give every launch another ``seed``.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

Noise = Callable[[int], float]


def lognormal(median_seconds: float, sigma: float, seed: int) -> Noise:
    """Independent latencies with a long right tail: the logarithm is normal with standard deviation ``sigma``."""
    source = random.Random(seed)  # noqa: S311 - a script, no secret
    return _remembered(lambda: median_seconds * math.exp(source.gauss(0.0, sigma)))


def bursts(median_seconds: float, sigma: float, seed: int, *, share: float, factor: float, length: float) -> Noise:
    """As :func:`lognormal`, and slower by ``factor`` in bursts of ``length`` runs on average, ``share`` of the time."""
    source = random.Random(seed)  # noqa: S311 - a script, no secret
    leave, enter = 1.0 / length, share / (1.0 - share) / length
    slow = source.random() < share

    def draw() -> float:
        nonlocal slow
        slow = source.random() >= leave if slow else source.random() < enter
        return median_seconds * (factor if slow else 1.0) * math.exp(source.gauss(0.0, sigma))

    return _remembered(draw)


def warming(noise: Noise, *, factor: float, runs: float) -> Noise:
    """Another noise that begins ``factor`` times as slow and settles exponentially within some ``runs``."""
    return lambda index: noise(index) * (1.0 + (factor - 1.0) * math.exp(-index / runs))


def drifting(noise: Noise, *, per_run: float) -> Noise:
    """Another noise that gets slower by the share ``per_run`` of its start with each run and never settles."""
    return lambda index: noise(index) * (1.0 + per_run * index)


def launch_factor(sigma: float, seed: int) -> float:
    """What a fresh process is slower or faster by as a whole (memory layout): lognormal around one."""
    return math.exp(random.Random(f"launch {seed}").gauss(0.0, sigma))  # noqa: S311 - a script, no secret


def _remembered(draw: Callable[[], float]) -> Noise:
    drawn: list[float] = []

    def noise(index: int) -> float:
        while len(drawn) <= index:
            drawn.append(draw())
        return drawn[index]

    return noise
