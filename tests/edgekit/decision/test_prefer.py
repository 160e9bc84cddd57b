import dataclasses
import math
from collections.abc import Callable

import pytest

from edgekit.decision.figures import Evidence
from edgekit.decision.prefer import DEFAULT, parse_preference, rank
from edgekit_targets.errors import InputError

Make = Callable[..., Evidence]


def test_accuracy_comes_first_and_looks_at_the_validation_split(make_evidence: Make) -> None:
    good = make_evidence("transformer", validation=0.98, accuracy=0.91, cpu=0.010)
    cheap = make_evidence("lstm", validation=0.95, accuracy=0.99, cpu=0.001)
    assert rank([good, cheap], DEFAULT).winner is good


def test_within_a_point_the_cheaper_one_wins(make_evidence: Make) -> None:
    good = make_evidence("transformer", validation=0.980, cpu=0.010)
    cheap = make_evidence("lstm", validation=0.971, cpu=0.001)
    ranking = rank([good, cheap], DEFAULT)
    assert ranking.winner is cheap
    assert ranking.tied == ()


def test_within_a_stated_difference_the_next_metric_decides(make_evidence: Make) -> None:
    one = make_evidence("lstm", target="cpu", cpu=0.00100, memory=8e6)
    two = make_evidence("lstm", target="openvino", cpu=0.00103, memory=5e6)
    assert rank([one, two], DEFAULT).winner is two


def in_rounds(one: Evidence, seconds: float) -> Evidence:
    """CPU times of a machine whose speed drifts by 20 % between launches, the same for all that are measured then."""
    launches, rounds = 6, 4
    places = [(launch, turn) for launch in range(launches) for turn in range(rounds)]
    cpu = tuple(seconds * (1 + 0.1 * math.sin(launch)) * (1 + 0.002 * (turn % 2)) for launch, turn in places)
    assert one.measurement.latency is not None
    latency = dataclasses.replace(
        one.measurement.latency,
        launch_of=tuple(launch for launch, _ in places),
        round_of=tuple(turn for _, turn in places),
    )
    measurement = dataclasses.replace(
        one.measurement,
        latency=latency,
        cpu_of_slices=cpu,
        cpu_seconds_per_inference=seconds,
        cpu_low_seconds_per_inference=seconds * 0.9,
        cpu_high_seconds_per_inference=seconds * 1.1,
    )
    return dataclasses.replace(one, measurement=measurement)


def test_rounds_of_one_run_tell_apart_what_intervals_do_not(make_evidence: Make) -> None:
    cheap = in_rounds(make_evidence("lstm", target="cpu", memory=8e6), 0.00100)
    small = in_rounds(make_evidence("lstm", target="openvino", memory=5e6), 0.00108)
    assert rank([cheap, small], DEFAULT).winner is cheap
    other_run = dataclasses.replace(small, measurement=dataclasses.replace(small.measurement, created="2026-02-02"))
    assert rank([cheap, other_run], DEFAULT).winner is other_run
    near = in_rounds(make_evidence("lstm", target="openvino", memory=5e6), 0.00103)
    assert rank([cheap, near], DEFAULT).winner is near, "within the stated 5 %"


def with_cpu(one: Evidence, low: float | None, high: float | None) -> Evidence:
    measurement = dataclasses.replace(
        one.measurement, cpu_low_seconds_per_inference=low, cpu_high_seconds_per_inference=high
    )
    return dataclasses.replace(one, measurement=measurement)


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        ((0.9e-3, 1.1e-3), (1.3e-3, 1.7e-3), True),
        ((0.9e-3, 1.4e-3), (1.3e-3, 1.7e-3), False),
        ((0.9e-3, None), (1.3e-3, 1.7e-3), False),
        ((0.9e-3, 1.1e-3), (None, 1.7e-3), False),
        ((0.9e-3, 1.1e-3), (1.3e-3, None), True),
        ((None, None), (None, None), False),
    ],
)
def test_intervals_that_may_overlap_are_not_told_apart(
    make_evidence: Make, first: tuple[float | None, ...], second: tuple[float | None, ...], apart: bool
) -> None:
    """1.0 ms and 1.5 ms: far beyond the stated difference, so that the intervals alone decide."""
    fast = with_cpu(make_evidence("lstm", target="cpu", cpu=1.0e-3, memory=8e6), *first)
    slow = with_cpu(make_evidence("lstm", target="openvino", cpu=1.5e-3, memory=5e6), *second)
    assert rank([fast, slow], DEFAULT).winner is (fast if apart else slow)


def test_what_nothing_tells_apart_is_a_tie(make_evidence: Make) -> None:
    one, two = (make_evidence("lstm", target=target) for target in ("openvino", "cpu"))
    ranking = rank([one, two], DEFAULT)
    assert ranking.winner is two
    assert ranking.tied == (one,)


def test_a_metric_nobody_has_is_skipped(make_evidence: Make) -> None:
    one = make_evidence("lstm", validation=None, cpu=0.002)
    two = make_evidence("transformer", validation=None, cpu=0.001)
    assert rank([one, two], DEFAULT).winner is two


def test_a_metric_only_some_have_leaves_the_others_behind(make_evidence: Make) -> None:
    known = make_evidence("lstm", validation=0.5, cpu=0.002)
    unknown = make_evidence("transformer", validation=None, cpu=0.001)
    assert rank([unknown, known], DEFAULT).winner is known


def test_the_order_given_is_the_order_taken(make_evidence: Make) -> None:
    small = make_evidence("lstm", size=1000, p99=0.009, validation=0.5)
    fast = make_evidence("transformer", size=2000, p99=0.001, validation=0.5)
    assert rank([small, fast], ["size"]).winner is small
    assert rank([small, fast], ["p99", "size"]).winner is fast


@pytest.mark.parametrize("text", ["", "speed", "accuracy,accuracy", "accuracy,,speed"])
def test_refuses_what_names_no_metric(text: str) -> None:
    with pytest.raises(InputError, match="--prefer"):
        parse_preference(text)


def test_reads_an_order() -> None:
    assert parse_preference("p99, size") == ("p99", "size")
