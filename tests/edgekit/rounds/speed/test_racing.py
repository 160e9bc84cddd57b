"""Ratios of two families: from rounds in common or from launches apart, and what is said where they are missing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit.rounds.contract import Figure
from edgekit.rounds.speed.racing import against, crossings, gain, pooled, time_of, versus, why_none
from edgekit.rounds.speed.round import _over, _sentence
from edgekit_targets.types.profile import Latency, Measurement

Make = Callable[..., Measurement]


def latency(seconds: float, launches: int, seed: int, speed: float = 0.02, rounds: int = 3) -> Latency:
    """Every launch has a speed of its own, so far apart that the medians of few launches bound nothing."""
    generator = np.random.default_rng(seed)
    own = seconds * np.exp(speed * generator.standard_normal(launches))
    raw = [own[launch] * (1 + 0.001 * generator.random(30)) for launch in range(launches) for _ in range(rounds)]
    middle = float(np.median(np.concatenate(raw)))
    return Latency(
        samples=30 * len(raw),
        effective_samples=1,
        launches=launches,
        mean_seconds=middle,
        p50_seconds=middle,
        p50_low_seconds=None,
        p50_high_seconds=None,
        p90_seconds=middle,
        p90_low_seconds=None,
        p90_high_seconds=None,
        p99_seconds=middle,
        p99_low_seconds=None,
        p99_high_seconds=None,
        raw_seconds=tuple(tuple(map(float, one)) for one in raw),
        launch_of=tuple(launch for launch in range(launches) for _ in range(rounds)),
        round_of=tuple(turn for _ in range(launches) for turn in range(rounds)),
    )


def ratio(low: float | None, high: float | None) -> Figure:
    value = None if low is None or high is None else (low + high) / 2
    return Figure(what="x", family=None, value=value, low=low, high=high, unit="ratio", basis="", reason="no launch")


@pytest.mark.parametrize(
    ("window", "stream", "words"),
    [
        ((1.01, 1.04), (0.4, 0.5), "the Transformer is the faster in windows, the LSTM in streams."),
        ((0.9, 1.1), (0.4, 0.5), "neither is the faster in windows, the LSTM in streams."),
        ((0.8, 0.9), (0.4, 0.5), None),
        ((0.9, 1.1), (0.9, 1.1), None),
        ((0.8, 0.9), (None, None), None),
    ],
)
def test_a_mode_won_alone_is_said_to_win_no_round(
    window: tuple[float, float], stream: tuple[float | None, float | None], words: str | None
) -> None:
    told = _sentence(ratio(*window), ratio(*stream), ratio(*window), ())
    assert ("It takes both modes to win" in told) == (words is not None)
    assert words is None or words in told


@pytest.fixture
def make(make_artifact: Any, make_measurement: Any) -> Make:
    def one(family: str, seconds: float, seed: int = 0, launches: int = 5, **others: Any) -> Measurement:
        given = {"length": 16, "latency": latency(seconds, launches, seed)} | others
        measured: Measurement = make_measurement(make_artifact(family), **given)
        return measured

    return one


def test_medians_without_bounds_still_make_a_ratio_with_an_interval(make: Make) -> None:
    (found,) = versus("small", [make("lstm", 2e-3), make("transformer", 1e-3, seed=1)])
    assert found.low < found.value < found.high
    assert found.low < 2.0 < found.high
    assert found.low > 1.0
    told = pooled([found], "windows", "")
    assert told.low == pytest.approx(found.low)
    assert told.high == pytest.approx(found.high)


def test_what_both_share_in_a_launch_cancels_in_pairs_and_not_apart(make: Make) -> None:
    """The same seed makes the same launches fast and slow, as a machine's moods do."""
    mine, theirs = make("lstm", 2e-3, seed=3), make("transformer", 1e-3, seed=3)
    paired = against(mine, theirs)
    other = against(mine, make("transformer", 1e-3, seed=3, created="2026-01-02T00:00:00.000000Z"))
    assert paired is not None
    assert other is not None
    assert None not in (paired.low, paired.high, other.low, other.high)
    assert paired.value == pytest.approx(2.0)
    assert other.value == pytest.approx(2.0)
    width, wide = (math.log((one.high or 0.0) / (one.low or 1.0)) for one in (paired, other))
    assert width < wide / 10


def test_intervals_hold_the_truth_apart_too(make: Make) -> None:
    """Of 95 % intervals of 200 runs hardly any may miss; these hold at every look, so they are wider than need be."""
    missed = 0
    for run in range(200):
        found = against(
            make("lstm", 1.3e-3, seed=2 * run),
            make("transformer", 1e-3, seed=2 * run + 1, created="2026-01-02T00:00:00.000000Z"),
        )
        assert found is not None
        missed += not (found.low or 9.0) <= 1.3 <= (found.high or 0.0)
    assert missed <= 10


def test_every_time_has_an_interval_from_its_launches(make: Make) -> None:
    found = time_of(make("lstm", 1e-3))
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1e-3 < found.high
    few = time_of(make("lstm", 1e-3, launches=2))
    assert (few.low, few.high) == (None, None)


def test_too_few_launches_are_named_as_the_reason(make: Make) -> None:
    measured = [make("lstm", 2e-3, launches=2), make("transformer", 1e-3, launches=2)]
    assert versus("small", measured) == []
    reason = why_none(measured)
    assert "launches" in reason
    assert "busy" not in reason
    assert pooled([], "windows", reason).reason == reason
    assert gain("lstm", [measured[0]], [make("lstm", 1e-3, launches=2, batch=8)], 8).value is None


def test_a_disturbed_figure_is_named_as_the_reason(make: Make) -> None:
    bad = make("lstm", 2e-3, valid=False, warnings=("disturbed for 60% of the time",))
    assert "disturbed for 60%" in why_none([bad, make("transformer", 1e-3)])


def test_each_family_runs_in_its_fastest_way(make: Make) -> None:
    quick = make("lstm", 1e-3, precision="int8-dynamic")
    (found,) = versus("small", [make("lstm", 4e-3), quick, make("transformer", 2e-3)])
    assert found.lstm is quick


def test_a_crossing_has_the_interval_of_the_ratios(make: Make) -> None:
    times = {16: (1e-3, 2e-3), 64: (4e-3, 4.2e-3), 256: (16e-3, 8e-3)}
    measured = [
        make(family, seconds, seed=length + index, length=length)
        for length, pair in times.items()
        for index, (family, seconds) in enumerate(zip(("lstm", "transformer"), pair, strict=True))
    ]
    (line,) = crossings(versus("small", measured))
    assert line.startswith("In size small, over windows, the Transformer overtakes at length ")
    assert line.endswith(".")
    assert ".." not in line
    always = [one for one in measured if one.length != 256]
    assert (
        "the LSTM is the faster" in crossings(versus("small", always))[0]
        or "no crossover" in (crossings(versus("small", always))[0])
    )


def test_a_gain_is_the_time_of_one_sequence(make: Make) -> None:
    found = gain("lstm", [make("lstm", 1e-3)], [make("lstm", 4e-3, seed=1, batch=8)], 8)
    assert found.value == pytest.approx(0.5, rel=0.1)
    assert found.low is not None
    assert found.low < 0.5 < (found.high or 0.0)


def test_a_mean_over_sizes_and_lengths_is_told_only_where_all_are_there(make: Make) -> None:
    """Without one of them it would be another figure under the same name, and its interval about something else."""
    pairs = [make(family, 1e-3, length=length) for length in (16, 64) for family in ("lstm", "transformer")]
    whole = _over(versus("small", pairs), {"small": pairs}, "window", "windows")
    assert whole.value == pytest.approx(1.0)
    broken = [*pairs[:-1], make("transformer", 1e-3, length=64, valid=False, warnings=("disturbed",))]
    partly = _over(versus("small", broken), {"small": broken}, "window", "windows")
    assert partly.value is None
    assert "small window of 64" in (partly.reason or "")
    assert "disturbed" in (partly.reason or "")
    at_16 = _over(versus("small", broken), {"small": broken}, "window", "windows of 16", length=16)
    assert at_16.value == pytest.approx(1.0)
