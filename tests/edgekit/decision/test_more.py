"""How much more measuring is said to settle a limit."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.decision.figures import Evidence
from edgekit.decision.judge import judge
from edgekit.decision.more import HOPELESS, explained
from edgekit.profiling.latency import latency_of
from edgekit_targets.agent.protocol import Ran
from edgekit_targets.types.verdict import Constraint, Limit

Make = Callable[..., Evidence]
SLICES = 4
FAR = Limit(name="p99", value=1.0, upper=True)


def _constraint(one: Evidence, launches: int, samples: int, seconds: float, **figures: Any) -> Constraint:
    """The p99 limit of a candidate whose every inference took the same time."""
    places = [(launch, turn) for launch in range(launches) for turn in range(SLICES)]
    ran = [
        Ran(
            handle="",
            seconds=(seconds,) * samples,
            cpu_seconds=None,
            wall_seconds=seconds * samples,
            warmup_runs=0,
            steady_bytes=None,
        )
        for _ in places
    ]
    measurement = dataclasses.replace(one.measurement, latency=latency_of(ran, places), **figures)
    candidate = judge(dataclasses.replace(one, measurement=measurement), [FAR])
    return explained(candidate, measurement).constraints[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(launches=st.integers(2, 8), samples=st.integers(5, 30))
def test_as_many_launches_as_are_said_to_tell_do(make_evidence: Make, launches: int, samples: int) -> None:
    one = make_evidence("lstm")
    found = _constraint(one, launches, samples, 1e-5)
    if found.status == "pass" or found.value is None:
        return
    told = re.fullmatch(r"about ([\d ]+) more launch(?:es)? would tell", found.note or "")
    assert told is not None, found.note
    more = int(told[1].replace(" ", ""))
    assert _constraint(one, launches + more, samples, 1e-5).status == "pass"
    if more > 10:
        assert _constraint(one, launches + more // 3, samples, 1e-5).status == "undecided", "nor many times too many"


def test_a_time_is_told_where_inferences_take_long(make_evidence: Make) -> None:
    note = _constraint(make_evidence("lstm"), 5, 20, 0.02).note
    assert note == "about 2 more launches (3.20 s or more) would tell"


def test_a_pace_so_slow_that_it_would_take_hours_is_hopeless(make_evidence: Make) -> None:
    assert _constraint(make_evidence("lstm"), 5, 20, 1e-3, every_seconds=60.0).note == HOPELESS
