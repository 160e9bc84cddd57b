"""Verdicts at the limit: the true quantile is exactly the limit, so every verdict is false, and 5 % may be given.

The noise models that ship, looked at after each launch as a race does. Launches are drawn from a pool of scripted ones,
so that the quantile of the pool is the truth and not an estimate of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.statistics.clusters import Samples
from edgekit.statistics.quantiles import longest_covered, quantile
from edgekit.statistics.sequences import CONFIDENCE
from edgekit_targets.runtimes.noise import Noise, bursts, drifting, lognormal, warming

RUNS, POOL, ROUNDS, SAMPLES = 1000, 600, 5, 160
FEWEST, MOST = 5, 10
MEDIAN, SIGMA = 0.001, 0.1

MODELS: dict[str, Callable[[int], Noise]] = {
    "independent": lambda launch: lognormal(MEDIAN, SIGMA, launch),
    "bursts": lambda launch: bursts(MEDIAN, SIGMA, launch, share=0.03, factor=3.0, length=7.0),
    "rare bursts": lambda launch: bursts(MEDIAN, SIGMA, launch, share=0.012, factor=4.0, length=6.0),
    "launches": lambda launch: lognormal(MEDIAN * float(np.exp(0.05 * _normal(launch))), SIGMA, launch),
    "launches far apart": lambda launch: lognormal(MEDIAN * float(np.exp(0.3 * _normal(launch))), SIGMA, launch),
    "drift": lambda launch: drifting(lognormal(MEDIAN, SIGMA, launch), per_run=3e-4),
    "warming": lambda launch: warming(lognormal(MEDIAN, SIGMA, launch), factor=2.0, runs=30.0),
}


def _normal(seed: int) -> float:
    return float(np.random.default_rng(seed).standard_normal())


def pool(model: Callable[[int], Noise]) -> NDArray[np.float64]:
    """[launches, rounds, samples]."""
    return np.array(
        [[noise(run) for run in range(ROUNDS * SAMPLES)] for noise in (model(launch) for launch in range(POOL))]
    ).reshape(POOL, ROUNDS, SAMPLES)


def verdict(launches: NDArray[np.float64], q: float, limit: float) -> str | None:
    """The first that is given after a launch; none until the fewest for a pass were taken."""
    for looks in range(3, MOST + 1):
        found = quantile(Samples(launches[:looks].tolist() if looks < 0 else launches[:looks]), q)
        if found.low is not None and found.low > limit:
            return "fail"
        if looks >= FEWEST and found.high is not None and found.high <= limit:
            return "pass"
    return None


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("q", [0.5, 0.99])
def test_at_the_limit_at_most_5_percent_of_1000_runs_give_a_verdict(name: str, q: float) -> None:
    launches = pool(MODELS[name])
    limit = float(np.quantile(launches, q, method="inverted_cdf"))
    source = np.random.default_rng(11)
    given = [verdict(launches[source.integers(POOL, size=MOST)], q, limit) for _ in range(RUNS)]
    print(name, q, given.count("pass"), given.count("fail"))
    assert RUNS - given.count(None) <= (1.0 - CONFIDENCE) * RUNS
