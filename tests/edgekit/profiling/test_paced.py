"""Profiles at a pace, disturbed ones and soaks, on the fake device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.budget.load import load_budget
from edgekit.decision.pick import pick
from edgekit.decision.words import soak_text
from edgekit.profiling.pace import Pace, parse_soak
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit.profiling.soak import POINTS
from edgekit.profiling.store import read_profiles
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.errors import InputError
from edgekit_targets.hardware.surroundings import Seen
from edgekit_targets.progress import silent
from edgekit_targets.runtimes.fake import Script
from edgekit_targets.types.profile import Conditions, Disturbance, Kind, Measurement, Slowed

QUICK = Plan(launches=3, rounds=4, samples=600, seconds=60.0)
AT_10_MS = Pace(window=0.01, stream=0.01)


@pytest.fixture
def measure(make_bundle: Callable[..., Path], make_evidence: Any) -> Callable[..., Measurement]:
    bundle = make_bundle(make_evidence("lstm"), profiled=False)

    def run(script: Script, **settings: Any) -> Measurement:
        agent = FakeAgent(Scenario(default=script, targets=("cpu",)))
        defaults: dict[str, Any] = {"plan": QUICK, "progress": silent}
        (found,) = profile(bundle, agent, **(defaults | settings)).measurements
        return found

    return run


def seen(kind: Kind) -> Seen:
    return Seen(disturbances=(Disturbance(kind=kind, detail=f"{kind} happened"),))


def test_at_a_pace_latency_is_the_response_and_service_stands_beside_it(measure: Callable[..., Measurement]) -> None:
    found = measure(Script(latency_seconds=[0.001] * 9 + [0.012], cores=1.0), pace=AT_10_MS)
    assert found.every_seconds == 0.01
    assert found.latency is not None
    assert found.paced is not None
    assert found.latency.p50_seconds == pytest.approx(0.001)
    assert found.paced.service.p99_seconds == pytest.approx(0.012)
    assert found.paced.deadline_miss == pytest.approx(0.1, abs=0.02)
    assert found.paced.backlog == 2
    assert found.paced.cpu_share == pytest.approx(0.21, abs=0.03)
    assert found.throughput_per_second is None, "the schedule's, not the model's"


def test_a_pace_that_is_held_is_not_warned_of(measure: Callable[..., Measurement]) -> None:
    found = measure(Script(latency_seconds=[0.001] * 9 + [0.012]), pace=AT_10_MS)
    assert not any("keep up" in text for text in found.warnings)


def test_no_miss_seen_is_no_proof_that_none_comes(measure: Callable[..., Measurement]) -> None:
    paced = measure(Script(latency_seconds=0.001), pace=AT_10_MS).paced
    assert paced is not None
    assert (paced.missed, paced.deadline_miss) == (0, 0.0)
    assert paced.deadline_miss_high is not None
    assert 0.0 < paced.deadline_miss_high < 0.01


def test_a_period_shorter_than_the_service_time_ends_and_misses(measure: Callable[..., Measurement]) -> None:
    found = measure(Script(latency_seconds=0.015), pace=AT_10_MS)
    paced = found.paced
    assert paced is not None
    assert any("cannot keep up with an input every 10 ms: one inference takes 15 ms" in text for text in found.warnings)
    assert paced.deadline_miss == 1.0
    assert paced.backlog > 2


def test_a_closed_loop_has_no_deadlines(measure: Callable[..., Measurement]) -> None:
    assert measure(Script()).paced is None


@pytest.mark.parametrize(
    ("around", "share", "valid"),
    [
        ((Seen(),), 0.0, True),
        ((seen("clock"), *[Seen()] * 5), 1 / 6, True),
        ((seen("clock"), *[Seen()] * 2), 1 / 3, False),
        ((seen("load"),), 1.0, False),
        ((seen("swap"), *[Seen()] * 11), 1.0, False),
    ],
)
def test_a_disturbed_run_is_kept_and_not_valid(
    measure: Callable[..., Measurement], around: tuple[Seen, ...], share: float, valid: bool
) -> None:
    launches = Plan(launches=1, rounds=12, samples=600, seconds=60.0)
    found = measure(Script(seen=around), plan=launches)
    assert found.disturbed == pytest.approx(share)
    assert found.valid == valid
    assert found.latency is not None
    assert found.warnings[0].startswith("disturbed for") == (not valid)


def test_a_processor_that_is_slower_at_times_is_told_of(measure: Callable[..., Measurement]) -> None:
    launches = Plan(launches=1, rounds=12, samples=600, seconds=60.0)
    mixed = tuple(Seen(yardstick_seconds=seconds) for seconds in (1e-4, 1.9e-4, 1e-4, 1e-4))
    found = measure(Script(seen=mixed), plan=launches)
    assert found.slowed == Slowed(share=0.25, times=1.9)
    assert found.valid, "a mixture is what such a machine has"
    assert any("slower in 25% of the slices, 1.9 times as slow" in text for text in found.warnings)
    boosting = tuple(Seen(yardstick_seconds=seconds) for seconds in (1e-4, 1.2e-4))
    steady = measure(Script(seen=boosting), plan=launches, fresh=True)
    assert steady.slowed == Slowed(share=0.0, times=1.0)
    assert not any("slower" in text for text in steady.warnings)
    assert measure(Script(), plan=launches, fresh=True).slowed is None


def test_a_slice_that_others_disturbed_is_taken_once_more(measure: Callable[..., Measurement]) -> None:
    found = measure(Script(seen=(seen("load"), *[Seen()] * 3)), plan=Plan(launches=1, rounds=12, samples=600))
    assert found.valid
    assert found.disturbed == 0.0
    assert found.latency is not None
    assert len(found.latency.raw_seconds) == 12
    assert any("4 of 12 slices were disturbed by other processes and taken again" in text for text in found.warnings)


def test_what_was_disturbed_is_measured_again(make_bundle: Callable[..., Path], make_evidence: Any) -> None:
    bundle = make_bundle(make_evidence("lstm"), profiled=False)
    for script, opened in ((Script(seen=(seen("load"),)), 3), (Script(), 3), (Script(), 0)):
        agent = FakeAgent(Scenario(default=script, targets=("cpu",)))
        profile(bundle, agent, plan=QUICK, progress=silent)
        assert len(agent.opened) == opened


def test_a_soak_tells_the_end_against_the_start(measure: Callable[..., Measurement]) -> None:
    hot = Conditions(
        governor=None,
        frequency_hz=None,
        temperature_celsius=82.0,
        throttled=(),
        power=None,
        swap_used_bytes=None,
        load_average=None,
    )
    slow = Script(launch=lambda launch: 0.001 if launch < 3 else lambda run: 0.001 * (1 + run / 60_000))
    found = measure(slow, soak_seconds=60.0).soak
    assert found is not None
    assert len(found.points) == POINTS
    assert found.seconds == pytest.approx(60.0, rel=0.01)
    assert found.ratio is not None
    assert found.ratio > 1.3
    heated = measure(Script(seen=(Seen(conditions=hot),)), soak_seconds=60.0)
    assert soak_text(heated).endswith("p50 at the end is 1.00 times that at the start [1.00, 1.00]; 82 to 82 °C.")
    assert [state.temperature_celsius for state in heated.conditions] == [82.0, 82.0, 82.0]


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800.0), ("90s", 90.0), ("1.5h", 5400.0), ("2 min", 120.0)])
def test_soak_durations(text: str, seconds: float) -> None:
    assert parse_soak(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "1s", "forever", "25h", "-30m"])
def test_soaks_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--soak"):
        parse_soak(text)


def test_what_fits_when_cold_can_be_refused_when_soaked(make_bundle: Callable[..., Path], make_evidence: Any) -> None:
    """Scripted: it heats up and gets half as slow again within the soak; every stretch tells its temperature."""

    def state(celsius: float) -> Conditions:
        return Conditions(
            governor=None,
            frequency_hz=None,
            temperature_celsius=celsius,
            throttled=("soft temperature limit",) if celsius > 80.0 else (),
            power=None,
            swap_used_bytes=None,
            load_average=None,
        )

    bundle = make_bundle(make_evidence("lstm"), profiled=False)

    def heating(run: int) -> float:
        return 0.010 + 0.005 * min(1.0, max(0.0, run / 2000 - 1.0))

    script = Script(
        launch=lambda launch: 0.010 if launch < QUICK.launches else heating,
        seen=tuple(Seen(conditions=state(40.0 + slice_ / 4.0)) for slice_ in range(180)),
    )
    agent = FakeAgent(Scenario(default=script, targets=("cpu",)))
    pace = Pace(window=0.02, stream=0.02)
    profile(bundle, agent, plan=QUICK, pace=pace, soak_seconds=600.0, progress=silent)
    (measured,) = read_profiles(bundle)[0][1].measurements
    assert measured.soak is not None
    told = [point.conditions.temperature_celsius or 0.0 for point in measured.soak.points if point.conditions]
    assert told == sorted(told)
    assert (len(told), told[-1]) == (POINTS, 40.0 + 179 / 4.0)
    assert measured.soak.ratio == pytest.approx(1.5, abs=0.1)
    assert measured.soak.ratio_low is not None
    assert measured.soak.ratio_low > 1.3
    assert measured.valid, "heat is how it is deployed"
    assert pick(bundle, load_budget("p99=12ms"), every=pace).verdict == "pick"
    assert pick(bundle, load_budget("p99=12ms"), every=pace, soaked=True).verdict == "nothing-fits"
    assert pick(bundle, load_budget("p99=18ms"), every=pace, soaked=True).verdict == "pick"
