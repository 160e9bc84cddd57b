"""Measuring against a budget on the fake device: who stops when, and that racing picks what measuring all picks."""

from __future__ import annotations

import dataclasses
import functools
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.budget.budget import Budget, parse_limits
from edgekit.decision.figures import Evidence, evidence_of
from edgekit.decision.judge import judge
from edgekit.decision.pick import pick
from edgekit.decision.prefer import DEFAULT
from edgekit.decision.race import Race
from edgekit.profiling.plan import Plan, until_decided
from edgekit.profiling.run import profile
from edgekit.profiling.store import read_profiles
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.bundle import read_manifest
from edgekit_targets.progress import silent
from edgekit_targets.runtimes.fake import Script
from edgekit_targets.runtimes.noise import bursts, lognormal
from edgekit_targets.types.profile import Measurement, Profile
from tests.edgekit.parallel import on_all_cores

MIB = 2**20
Make = Callable[..., Evidence]
MakeBundle = Callable[..., Path]


def budget(text: str) -> Budget:
    return Budget(text, parse_limits(text, "--budget"))


def script(median: float, seed: int, **others: Any) -> Script:
    """Another seed in every launch, as processes have."""
    return Script(launch=lambda launch: lognormal(median, 0.1, 1000 * seed + launch), **others)


def measure(bundle: Path, agent: FakeAgent, limits: str | None, **settings: Any) -> Profile:
    race = None if limits is None else Race(budget(limits).limits, DEFAULT)
    defaults: dict[str, Any] = {"plan": until_decided(), "race": race, "progress": silent}
    return profile(bundle, agent, **(defaults | settings))


@pytest.fixture
def bundle(make_bundle: MakeBundle, make_evidence: Make) -> Path:
    return make_bundle(make_evidence("lstm"), make_evidence("transformer"), profiled=False)


def by_family(found: Profile) -> dict[str, Measurement]:
    return {one.family: one for one in found.measurements}


def test_a_clear_fail_takes_10_seconds_and_a_clear_pass_60(bundle: Path) -> None:
    """Of measuring, for a model of 5 ms."""
    for limit, status, most in (("p99=3ms", "fail", 10.0), ("p99=10ms", "pass", 60.0)):
        agent = FakeAgent(Scenario(default=script(0.005, 1), targets=("cpu",)))
        found = measure(bundle, agent, limit, fresh=True)
        for one in found.measurements:
            assert one.latency is not None
            assert sum(map(sum, one.latency.raw_seconds)) <= most
            assert one.stopped is not None
            assert one.latency.launches >= (3 if status == "fail" else 5)
        verdict = pick(bundle, budget(limit))
        assert {one.status for one in verdict.candidates} == {status}


def test_the_undecided_goes_on_to_the_cap_and_then_on_when_asked_again(bundle: Path) -> None:
    always = Scenario(default=Script(latency_seconds=[0.001] * 99 + [0.003]), targets=("cpu",))
    plan = until_decided(most_seconds=4.0)
    first = measure(bundle, FakeAgent(always), "p99=2ms", plan=plan)
    for one in first.measurements:
        assert one.stopped is None
        assert one.complete
        assert one.latency is not None
    verdict = pick(bundle, budget("p99=2ms"))
    assert verdict.verdict == "undecided"
    notes = [found.note for one in verdict.candidates for found in one.constraints]
    assert all(note for note in notes)
    agent = FakeAgent(always)
    second = measure(bundle, agent, "p99=2ms", plan=plan)
    assert len(agent.opened) >= 2
    for before, after in zip(
        sorted(first.measurements, key=lambda one: one.family),
        sorted(second.measurements, key=lambda one: one.family),
        strict=True,
    ):
        assert before.latency is not None
        assert after.latency is not None
        assert after.latency.samples > before.latency.samples, "the same launches and more"
        assert after.latency.raw_seconds[: len(before.latency.raw_seconds)] == before.latency.raw_seconds


def test_what_was_decided_is_reused_for_the_budgets_that_it_decides(bundle: Path) -> None:
    def again(limits: str | None, **settings: Any) -> int:
        agent = FakeAgent(Scenario(default=script(0.001, 2), targets=("cpu",)))
        measure(bundle, agent, limits, **settings)
        return len(agent.opened)

    assert again("p99=10ms") >= 10
    assert again("p99=10ms") == 0
    assert again("p99=9ms, p50=5ms") == 0
    assert again("p50=1.0005ms", plan=until_decided(most_seconds=1.0)) > 0, "its interval does not decide this one"
    assert again(None) == 0, "it was measured to the end of its plan then"


def test_what_stopped_early_is_not_what_a_run_without_a_budget_asks_for(bundle: Path) -> None:
    scenario = Scenario(default=script(0.001, 2), targets=("cpu",))
    measure(bundle, FakeAgent(scenario), "p99=10ms")
    agent = FakeAgent(scenario)
    found = measure(bundle, agent, None, plan=Plan(launches=2, rounds=2, samples=100))
    assert len(agent.opened) == 4
    assert all(one.complete and one.stopped is None for one in found.measurements)


def test_what_fails_for_sure_stops_after_one_launch_and_is_no_open_question(
    make_bundle: MakeBundle, make_evidence: Make
) -> None:
    bundle = make_bundle(
        make_evidence("lstm", size=10_000_000),
        make_evidence("transformer", accuracy=0.5),
        make_evidence("conv"),
        make_evidence("linear"),
        profiled=False,
    )
    scripts = {("conv-window-fp32-portable-plain", "*"): script(0.001, 3, run_bytes=100 * MIB)}
    agent = FakeAgent(Scenario(scripts=scripts, default=script(0.001, 4), targets=("cpu",)))
    limits = "p99=10ms, memory=20MiB, size=1MB, accuracy=90%"
    found = by_family(measure(bundle, agent, limits))
    why = {"lstm": "size", "transformer": "accuracy", "conv": "memory"}
    for family, name in why.items():
        assert found[family].stopped == f"it fails {name} for sure"
        assert found[family].warnings[0] == f"stopped after 1 launch: it fails {name} for sure"
        latency = found[family].latency
        assert latency is not None
        assert latency.launches == 1
    assert found["linear"].stopped == "every limit is decided"
    verdict = pick(bundle, budget(limits))
    assert verdict.choice is not None
    assert verdict.choice.family == "linear"
    assert {one.family: one.status for one in verdict.candidates} == {
        "linear": "pass",
        **dict.fromkeys(("lstm", "transformer", "conv"), "fail"),
    }


def test_both_families_of_the_pair_get_an_answer_and_no_other_loser_does(
    make_bundle: MakeBundle, make_evidence: Make
) -> None:
    """The loser's cheapest file goes on until it is known to fit; its other file and the baseline stop as beaten."""
    int8 = {"precision": "int8-dynamic"}
    bundle = make_bundle(
        make_evidence("lstm"),
        make_evidence("transformer"),
        make_evidence("transformer", **int8),
        make_evidence("conv"),
        profiled=False,
    )

    def tailed(median: float) -> Script:
        """Fits p99 = 20 ms, with one in 200 beyond: it takes a few thousand samples to be sure."""
        noise = functools.partial(bursts, median, 0.05, share=0.005, factor=20.0, length=1.0)
        return Script(launch=lambda launch: noise(launch))

    scripts = {(f"{name}-window-fp32-portable-plain", "*"): tailed(0.003) for name in ("transformer", "conv")}
    scripts["transformer-window-int8-dynamic-portable-plain", "*"] = tailed(0.0045)
    agent = FakeAgent(Scenario(scripts=scripts, default=script(0.00001, 7), targets=("cpu",)))
    measure(bundle, agent, "p99=20ms", plan=dataclasses.replace(until_decided(), rounds=2, samples=5 * 2 * 60))
    verdict = pick(bundle, budget("p99=20ms"))
    assert verdict.choice is not None
    assert verdict.choice.family == "lstm"
    status = {(one.family, one.precision): one.status for one in verdict.candidates}
    assert status == {
        ("lstm", "fp32"): "pass",
        ("transformer", "fp32"): "pass",
        ("transformer", "int8-dynamic"): "undecided",
        ("conv", "fp32"): "undecided",
    }


def test_a_candidate_that_answers_wrongly_is_not_measured_on(bundle: Path) -> None:
    import numpy as np

    (bundle / "golden").mkdir()
    save: Any = np.savez
    save(bundle / "golden" / "lstm-window-fp32-portable-plain.npz", **{"input.x": np.zeros((8, 25, 12))})
    agent = FakeAgent(Scenario(default=script(0.001, 5, parity_error=0.5), targets=("cpu",)))
    found = by_family(measure(bundle, agent, "p99=10ms"))
    assert found["lstm"].stopped == "its answers are wrong here, so it cannot be picked"
    assert not found["lstm"].valid
    assert found["transformer"].valid


def test_racing_40_candidates_takes_a_third_and_picks_the_same(make_bundle: MakeBundle, make_evidence: Make) -> None:
    names = [f"model{number:02}" for number in range(40)]
    evidence = [make_evidence(name, size=400_000 + 1000 * number) for number, name in enumerate(names)]
    limits = "p99=6ms, memory=20MiB"

    def scenario(seed: int) -> Scenario:
        order = random.Random(seed)
        medians = [0.0005 * 1.08**number for number in range(40)]
        order.shuffle(medians)
        return Scenario(
            scripts={
                (f"{name}-window-fp32-portable-plain", "*"): script(
                    median, 100 * seed + number, run_bytes=order.choice([1, 2, 5, 40]) * MIB
                )
                for number, (name, median) in enumerate(zip(names, medians, strict=True))
            },
            targets=("cpu",),
        )

    bundle = make_bundle(*evidence, profiled=False)
    for seed in range(2):
        seconds, chosen = [], []
        for race in (Race(budget(limits).limits, DEFAULT), None):
            agent = FakeAgent(scenario(seed))
            profile(bundle, agent, plan=until_decided(most_seconds=8.0), race=race, fresh=True, progress=silent)
            verdict = pick(bundle, budget(limits))
            assert verdict.choice is not None
            seconds.append(agent.clock.now() / 1e9)
            chosen.append(verdict)
        raced, exhaustive = chosen
        assert seconds[0] <= seconds[1] / 3
        assert raced.choice == exhaustive.choice
        stopped = [one.stopped for one in read_profiles(bundle)[-2][1].measurements]
        assert any(text and "is preferred to it for sure" in text for text in stopped)
        assert {one.status for one in raced.candidates} <= {"pass", "fail", "undecided"}


def raced(bundle: Path, first: int, runs: int) -> Counter[str]:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as scratch:
        patch.setattr(os, "fsync", lambda descriptor: None)  # ten thousand flushes are the disk's test
        return _raced(shutil.copytree(bundle, Path(scratch) / "bundle"), range(first, first + runs))


def _raced(bundle: Path, runs: range) -> Counter[str]:
    plan = dataclasses.replace(until_decided(), rounds=2, samples=5 * 2 * 10, most_seconds=0.12, warmup_seconds=0.0)
    limits = "p50=1ms"
    verdicts = Counter[str]()
    for run in runs:
        scripts = {
            ("lstm-window-fp32-portable-plain", "*"): script(0.001, 2 * run),
            ("transformer-window-fp32-portable-plain", "*"): script(0.00085, 2 * run + 1),
        }
        agent = FakeAgent(Scenario(scripts=scripts, targets=("cpu",)))
        found = by_family(measure(bundle, agent, limits, plan=plan, fresh=True))
        (evidence,) = evidence_of(read_manifest(bundle), [found["lstm"]])
        verdicts[judge(evidence, budget(limits).limits).status] += 1
        for path in (bundle / "profiles").iterdir():
            path.unlink()
    return verdicts


@pytest.mark.slow
def test_at_the_limit_at_most_5_percent_of_1000_raced_runs_give_a_verdict(bundle: Path) -> None:
    """Of the LSTM, whose true median is the limit; the Transformer fits and takes a little less, so they race."""
    verdicts = sum(on_all_cores(raced, [(bundle, first, 250) for first in range(0, 1000, 250)]), Counter[str]())
    assert sum(verdicts.values()) == 1000
    assert verdicts["pass"] + verdicts["fail"] <= 50
