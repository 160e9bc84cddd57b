"""Energy above idle, on the fake device whose power is scripted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.budget.load import load_budget
from edgekit.decision.figures import Evidence
from edgekit.decision.pick import pick
from edgekit.decision.prefer import DEFAULT
from edgekit.decision.race import Race
from edgekit.decision.words import energy_text
from edgekit.profiling.energy import IDLE_WINDOWS, SLICES, summarise_energy
from edgekit.profiling.measure import Taken
from edgekit.profiling.pace import Pace
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.agent.protocol import EnergyUsed, Idle, Idled, Ran, Run
from edgekit_targets.errors import AgentFailed
from edgekit_targets.progress import silent
from edgekit_targets.runtimes.fake import Script
from edgekit_targets.types.profile import Measurement

LSTM, TRANSFORMER = "lstm-window-fp32-portable-plain", "transformer-window-fp32-portable-plain"
SCRIPTS = {
    (LSTM, "*"): Script(latency_seconds=0.002, watts=3.0),
    (TRANSFORMER, "*"): Script(latency_seconds=0.004, watts=2.0),
}
QUICK = Plan(launches=3, rounds=2, samples=600, seconds=60.0)


@pytest.fixture
def bundle(make_bundle: Callable[..., Path], make_evidence: Callable[..., Evidence]) -> Path:
    return make_bundle(make_evidence("lstm"), make_evidence("transformer"), profiled=False)


def measure(bundle: Path, agent: FakeAgent, **settings: Any) -> dict[str, Measurement]:
    found = profile(bundle, agent, plan=QUICK, progress=silent, **settings)
    return {one.family: one for one in found.measurements}


def test_energy_is_what_is_drawn_above_idle(bundle: Path) -> None:
    found = measure(bundle, FakeAgent(Scenario(scripts=SCRIPTS, targets=("cpu",), idle_watts=1.5)))
    for family, joules in (("lstm", 0.006), ("transformer", 0.008)):
        energy = found[family].energy
        assert energy is not None
        assert energy.joules_per_inference == pytest.approx(joules, rel=0.01)
        assert energy.low is not None
        assert energy.high is not None
        assert energy.low <= energy.joules_per_inference <= energy.high
        assert energy.source == "measured: scripted"
        assert energy.idle_watts == pytest.approx(1.5)
        assert energy_text(found[family]).endswith("above the 1.5 W drawn when idle (measured: scripted).")
        assert energy.seconds >= SLICES * 0.5
        assert not any(text.startswith("energy") for text in found[family].warnings)
        latency = found[family].latency
        assert latency is not None
        assert latency.samples == 600, "slices for energy are no samples of latency"


def test_at_a_pace_the_waiting_counts_and_idle_does_not(bundle: Path) -> None:
    pace = Pace(window=0.1, stream=0.1)
    found = measure(bundle, FakeAgent(Scenario(scripts=SCRIPTS, targets=("cpu",), idle_watts=1.5)), pace=pace)
    energy = found["lstm"].energy
    assert energy is not None
    assert energy.joules_per_inference == pytest.approx(3.0 * 0.1, rel=0.1), "the script draws while it waits, too"


def test_energy_is_a_limit_and_a_preference(bundle: Path) -> None:
    profile(
        bundle,
        FakeAgent(Scenario(scripts=SCRIPTS, targets=("cpu",), idle_watts=1.5)),
        plan=QUICK,
        progress=silent,
    )
    verdict = pick(bundle, load_budget("energy=7mJ"))
    assert verdict.choice is not None
    assert verdict.choice.family == "lstm"
    assert {one.family: one.status for one in verdict.candidates} == {"lstm": "pass", "transformer": "fail"}
    assert pick(bundle, load_budget("energy=1mJ")).verdict == "nothing-fits"
    preferred = pick(bundle, load_budget("p99=1s"), prefer=("energy",))
    assert preferred.choice is not None
    assert preferred.choice.family == "lstm"


def test_without_a_source_it_is_null_with_the_reason(bundle: Path) -> None:
    found = measure(bundle, FakeAgent(Scenario(targets=("cpu",))))
    for one in found.values():
        assert one.energy is None
        assert "energy: not measured (nothing tells the energy of this scripted machine)" in one.warnings
    verdict = pick(bundle, load_budget("energy=1mJ"))
    assert verdict.verdict == "undecided"
    assert "nothing tells the energy" in str(verdict.candidates[0].constraints[0].note)


def test_what_a_budget_has_ruled_out_is_left_out(bundle: Path) -> None:
    def race(limits: str) -> dict[str, Measurement]:
        agent = FakeAgent(Scenario(scripts=SCRIPTS, targets=("cpu",), idle_watts=1.5))
        return measure(bundle, agent, race=Race(load_budget(limits).limits, DEFAULT))

    first = race("p99=3ms")
    assert first["lstm"].energy is not None
    assert first["transformer"].energy is None
    assert "energy: not measured (left out, since it fails p99 for sure)" in first["transformer"].warnings
    none = race("p99=1ms")
    assert none["transformer"].energy is None
    second = race("p99=8ms, energy=9mJ")
    assert second["transformer"].energy is not None
    verdict = pick(bundle, load_budget("p99=8ms, energy=9mJ"))
    assert {one.family: one.status for one in verdict.candidates} == {"lstm": "pass", "transformer": "pass"}


def test_where_all_are_ruled_out_nobody_waits_for_idle(bundle: Path) -> None:
    class Asked(FakeAgent):
        def idle(self, request: Idle) -> Idled:
            raise AssertionError("nothing is measured that needs it")

    agent = Asked(Scenario(scripts=SCRIPTS, targets=("cpu",), idle_watts=1.5))
    found = measure(bundle, agent, race=Race(load_budget("p99=1ms").limits, DEFAULT))
    assert all(one.energy is None for one in found.values())


def test_a_machine_that_is_only_as_warm_as_idle_says_so(bundle: Path) -> None:
    scripts = {(LSTM, "*"): Script(watts=0.0)}
    found = measure(bundle, FakeAgent(Scenario(scripts=scripts, targets=("cpu",), idle_watts=1.5)))["lstm"]
    assert found.energy is not None
    assert found.energy.joules_per_inference == pytest.approx(0.0, abs=1e-9)
    assert any("not told apart from idle" in text for text in found.warnings)


def test_a_candidate_that_dies_meanwhile_keeps_its_latency(bundle: Path) -> None:
    class Dying(FakeAgent):
        def run(self, request: Run) -> Ran:
            if request.energy and LSTM in request.handle:
                raise AgentFailed("the process that ran it was killed by SIGKILL")
            return super().run(request)

    found = measure(bundle, Dying(Scenario(scripts=SCRIPTS, targets=("cpu",), idle_watts=1.0)))
    assert found["lstm"].valid
    assert found["lstm"].energy is None
    assert "energy: not measured (the process that ran it was killed by SIGKILL)" in found["lstm"].warnings
    assert found["transformer"].energy is not None


def test_an_older_agent_has_no_word_for_it(bundle: Path) -> None:
    class Older(FakeAgent):
        def idle(self, request: Idle) -> Idled:
            raise AgentFailed('the request must have "do" as one of: hello, open')

    found = measure(bundle, Older(Scenario(targets=("cpu",), idle_watts=1.0)))["lstm"]
    assert found.energy is None
    assert any(text.startswith("energy: not measured (the request must have") for text in found.warnings)


def used(joules: float, seconds: float = 1.0) -> EnergyUsed:
    return EnergyUsed(joules=joules, seconds=seconds, source="measured: x")


def ran(joules: float, inferences: int = 100) -> Ran:
    return Ran(
        handle="a",
        seconds=(),
        cpu_seconds=None,
        wall_seconds=1.0,
        warmup_runs=1,
        steady_bytes=None,
        inferences=inferences,
        energy=used(joules),
    )


@given(
    idle=st.lists(st.floats(0.5, 5.0), min_size=2, max_size=2 * IDLE_WINDOWS),
    above=st.lists(st.floats(0.1, 20.0), min_size=2, max_size=SLICES),
)
def test_what_is_not_known_of_idle_is_not_known_of_the_model(idle: list[float], above: list[float]) -> None:
    taken = Taken(Any)  # type: ignore[arg-type]
    taken.idle = [used(watts) for watts in idle]
    taken.energy = [ran(sum(idle) / len(idle) + watts) for watts in above]
    found = summarise_energy(taken, [])
    assert found is not None
    assert found.joules_per_inference == pytest.approx(sum(above) / len(above) / 100)
    assert found.low is not None
    assert found.high is not None
    steady = dataclasses.replace(taken, idle=[used(sum(idle) / len(idle))] * len(idle))
    narrow = summarise_energy(steady, [])
    assert narrow is not None
    assert narrow.high is not None
    assert found.high >= narrow.high - 1e-12


def test_one_idle_window_bounds_nothing() -> None:
    taken = Taken(Any)  # type: ignore[arg-type]
    taken.idle, taken.energy = [used(1.0)], [ran(2.0), ran(2.1)]
    found = summarise_energy(taken, [])
    assert found is not None
    assert (found.low, found.high) == (None, None)


def test_other_work_meanwhile_is_part_of_the_figure_and_told() -> None:
    taken = Taken(Any)  # type: ignore[arg-type]
    taken.idle = [used(1.0), used(1.0)]
    taken.energy = [dataclasses.replace(ran(2.0), warnings=("other processes used 90% of a processor meanwhile",))] * 2
    warnings: list[str] = []
    assert summarise_energy(taken, warnings) is not None
    assert any("other work on the machine" in text for text in warnings)
