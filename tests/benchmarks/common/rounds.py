"""Interleaved rounds: every candidate takes a turn in each, in random order, and ratios are formed within rounds.

Two candidates timed one after the other differ by whatever the machine did in between; within one round they share it.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from scipy.stats import bootstrap

_WARMUP_ROUNDS = 2
_TURN_SECONDS = 0.02
_MOST_CALLS = 200

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Middle:
    """The median of one figure a round, with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def interleaved(runs: Mapping[Name, Callable[[], object]], rounds: int, seed: int = 0) -> dict[Name, list[float]]:
    """Seconds of one call of each candidate, as the median of its turn, for every round.

    A turn takes about 20 ms, so that a candidate of 30 us and one of 30 ms weigh alike on the clock.
    """
    order = random.Random(seed)
    calls = {name: _calls(run) for name, run in runs.items()}
    taken: dict[Name, list[float]] = {name: [] for name in runs}
    for turn in range(-_WARMUP_ROUNDS, rounds):
        for name in order.sample(list(runs), len(runs)):
            found = seconds(runs[name], calls[name])
            if turn >= 0:
                taken[name].append(found)
    return taken


def seconds(run: Callable[[], object], times: int) -> float:
    """The median of ``times`` calls, in seconds; the first, which finds cold caches, is left out if there are more."""
    taken = []
    for _ in range(times):
        start = time.perf_counter_ns()
        run()
        taken.append(time.perf_counter_ns() - start)
    return statistics.median(taken[1:] or taken) / 1e9


def middle(values: Sequence[float]) -> Middle:
    """The median with its interval (percentile bootstrap, which bears values that are all the same)."""
    drawn = bootstrap((values,), statistics.median, vectorized=False, n_resamples=2000, method="percentile", rng=0)
    found = drawn.confidence_interval
    return Middle(statistics.median(values), float(found.low), float(found.high))


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> Middle:
    """The ratio of two candidates, round by round."""
    return middle([one / other for one, other in zip(numerator, denominator, strict=True)])


def _calls(run: Callable[[], object]) -> int:
    """How many calls fill a turn."""
    run()
    return max(3, min(_MOST_CALLS, round(_TURN_SECONDS / seconds(run, 3))))
