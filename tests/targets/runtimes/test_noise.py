"""The scripted noises are what they say."""

from __future__ import annotations

import itertools
import statistics

import pytest

from edgekit_targets.runtimes import noise


def test_each_is_the_same_every_time_it_is_asked() -> None:
    one = noise.bursts(1e-3, 0.1, 3, share=0.1, factor=2.0, length=5.0)
    later = one(50)
    assert [one(index) for index in range(100)] == [one(index) for index in range(100)]
    assert one(50) == later
    assert noise.lognormal(1e-3, 0.1, 1)(0) != noise.lognormal(1e-3, 0.1, 2)(0)


def test_bursts_have_their_share_and_length() -> None:
    one = noise.bursts(1.0, 0.0, 0, share=0.1, factor=3.0, length=20.0)
    slow = [one(index) > 2.0 for index in range(200_000)]
    starts = sum(now and not before for before, now in itertools.pairwise(slow))
    assert statistics.fmean(slow) == pytest.approx(0.1, abs=0.01)
    assert sum(slow) / starts == pytest.approx(20.0, rel=0.1)


def test_warming_settles_and_drifting_does_not() -> None:
    flat = noise.lognormal(1.0, 0.0, 0)
    assert noise.warming(flat, factor=3.0, runs=10.0)(0) == 3.0
    assert noise.warming(flat, factor=3.0, runs=10.0)(200) == pytest.approx(1.0, abs=1e-6)
    assert noise.drifting(flat, per_run=0.01)(100) == pytest.approx(2.0)


def test_launches_differ_around_one() -> None:
    factors = [noise.launch_factor(0.05, seed) for seed in range(2000)]
    assert statistics.fmean(factors) == pytest.approx(1.0, abs=0.01)
    assert statistics.stdev(factors) == pytest.approx(0.05, rel=0.1)
