"""Who a race leaves behind: never one that the preference order would have kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.budget.budget import parse_limits
from edgekit.decision.figures import Evidence
from edgekit.decision.prefer import DEFAULT, rank
from edgekit.decision.race import Race, beaten
from edgekit_targets.types.manifest import Accuracy

Make = Callable[..., Evidence]
LIMITS = parse_limits("p99=20ms", "--budget")
SAMPLES = 72


def answered(one: Evidence, wrong: set[int]) -> Evidence:
    """The same candidate, that answers all but these of 72 validation samples right."""
    right = np.array([number not in wrong for number in range(SAMPLES)])
    value = float(right.mean())
    accuracy = Accuracy(
        metric="accuracy",
        value=value,
        low=value - 0.05,
        high=min(1.0, value + 0.05),
        samples=SAMPLES,
        right=np.packbits(right).tobytes().hex(),
    )
    return dataclasses.replace(one, artifact=dataclasses.replace(one.artifact, accuracy_validation=accuracy))


def test_accuracy_that_chance_makes_too_leaves_nobody_behind(make_evidence: Make) -> None:
    good = answered(make_evidence("transformer", cpu=0.005), set())
    cheap = answered(make_evidence("conv", p99=0.0199, cpu=0.001), {3, 30, 50})
    race = Race(LIMITS, DEFAULT)
    racers = [race.enter(one) for one in (good, cheap)]
    assert race.reason(racers[1], racers) is None, "3 of 72 samples are no difference, and it is the cheaper one"
    assert rank([good, cheap], DEFAULT).winner is cheap
    worse = answered(cheap, set(range(10)))
    racers = [race.enter(one) for one in (good, worse)]
    assert race.reason(racers[1], racers) == (
        "the Transformer, fp32, on ONNX Runtime fits and is preferred to it for sure"
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(
    drawn=st.lists(
        st.tuples(
            st.sets(st.integers(0, SAMPLES - 1), max_size=12),
            st.sampled_from([0.001, 0.00104, 0.0012, 0.002]),
            st.sampled_from([5.0, 5.2, 8.0]),
        ),
        min_size=2,
        max_size=5,
    )
)
def test_who_is_beaten_is_never_the_choice(make_evidence: Make, drawn: list[tuple[set[int], float, float]]) -> None:
    """Whatever becomes of the limits that are still open: here all are met."""
    candidates = [
        answered(make_evidence(f"model{number}", cpu=cpu, memory=memory * 2**20), wrong)
        for number, (wrong, cpu, memory) in enumerate(drawn)
    ]
    judged = [(one, Race(LIMITS, DEFAULT).enter(one).candidate) for one in candidates]
    for loser, winner in beaten(judged, LIMITS, DEFAULT):
        for left_out in (None, *candidates):
            if left_out is not loser and left_out is not winner:
                fitting = [one for one in candidates if one is not left_out]
                assert rank(fitting, DEFAULT).winner is not loser
