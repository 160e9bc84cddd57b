import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.decision.figures import Evidence
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit.profiling.store import read_profiles
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.agent.protocol import Open, Opened, Ran, Run
from edgekit_targets.errors import AgentFailed, InputError
from edgekit_targets.progress import silent
from edgekit_targets.runtimes.fake import Script
from edgekit_targets.types.profile import Profile

MIB = 2**20
Make = Callable[..., Evidence]
MakeBundle = Callable[..., Path]
QUICK = Plan(launches=3, rounds=2, samples=600, seconds=60.0)


def measure(bundle: Path, agent: FakeAgent, **settings: Any) -> Profile:
    defaults: dict[str, Any] = {"plan": QUICK, "progress": silent}
    return profile(bundle, agent, **(defaults | settings))


@pytest.fixture
def bundle(make_bundle: MakeBundle, make_evidence: Make) -> Path:
    return make_bundle(make_evidence("lstm"), make_evidence("transformer"), profiled=False)


def test_measures_what_the_script_says(bundle: Path) -> None:
    script = Script(latency_seconds=[0.001] * 98 + [0.004] * 2, cores=1.0, load_bytes=3 * MIB, load_spike_bytes=2 * MIB)
    found = measure(bundle, FakeAgent(Scenario(default=script, targets=("cpu",))))
    assert len(found.measurements) == 2
    for one in found.measurements:
        assert one.valid
        assert one.complete
        latency = one.latency
        assert latency is not None
        assert latency.samples == 600
        assert latency.launches == 3
        assert latency.p50_seconds == pytest.approx(0.001)
        assert latency.p90_seconds == pytest.approx(0.001)
        assert latency.p99_seconds == pytest.approx(0.004)
        assert latency.p99_low_seconds is not None
        assert latency.p99_low_seconds <= 0.004 + 1e-9
        assert [len(part) for part in latency.raw_seconds] == [100] * 6
        assert one.cpu_seconds_per_inference == pytest.approx(latency.mean_seconds)
        assert one.cpu_of_slices == pytest.approx([sum(part) / len(part) for part in latency.raw_seconds])
        assert one.memory is not None
        assert one.memory_high_bytes == max(one.memory.load_peak_bytes, one.memory.run_peak_bytes) - 50 * MIB
        assert one.memory_high_bytes is not None
        assert one.memory_high_bytes >= 5 * MIB
        assert one.energy is None
        assert any(text.startswith("energy") for text in one.warnings)


def test_memory_that_grows_in_the_timed_runs_counts(bundle: Path) -> None:
    script = Script(load_bytes=2 * MIB, load_spike_bytes=0, run_bytes=0, run_spike_bytes=0, hundredth_run_bytes=3 * MIB)
    found = measure(bundle, FakeAgent(Scenario(default=script, targets=("cpu",))))
    for one in found.measurements:
        assert one.memory is not None
        assert one.memory.load_peak_bytes == 52 * MIB
        assert one.memory.run_peak_bytes == one.memory.steady_bytes == 55 * MIB
        assert one.memory.added_bytes == one.memory_low_bytes == one.memory_high_bytes == 5 * MIB
        assert one.process_memory_high_bytes == 55 * MIB


def test_a_spike_of_one_later_run_counts(bundle: Path) -> None:
    script = Script(load_spike_bytes=0, run_bytes=0, run_spike_bytes=0, hundredth_run_spike_bytes=50 * MIB)
    for one in measure(bundle, FakeAgent(Scenario(default=script, targets=("cpu",)))).measurements:
        assert one.memory is not None
        assert (one.memory.load_peak_bytes, one.memory.run_peak_bytes) == (52 * MIB, 102 * MIB)
        assert one.memory.steady_bytes == 52 * MIB
        assert one.memory_high_bytes == 52 * MIB


def test_every_launch_is_a_fresh_process_and_orders_differ(bundle: Path) -> None:
    agent = FakeAgent()
    measure(bundle, agent, plan=Plan(launches=4, rounds=3, samples=120, seconds=60.0))
    handles = [request.handle for request in agent.opened]
    assert len(set(handles)) == len(handles) == 4 * 4
    slices = [request.handle for request in agent.ran]
    assert len(slices) == 4 * 4 * 3
    rounds = [tuple(handle.partition(".")[2] for handle in slices[start : start + 4]) for start in range(0, 48, 4)]
    assert all(len(set(order)) == 4 for order in rounds), "balanced: every candidate once a round"
    assert len(set(rounds)) > 1, "random: not always the same order"


def test_never_more_alive_than_planned(bundle: Path) -> None:
    class Counting(FakeAgent):
        alive = most = 0

        def open(self, request: Any) -> Any:
            self.alive += 1
            self.most = max(self.most, self.alive)
            return super().open(request)

        def close(self, handle: str) -> None:
            self.alive -= 1
            super().close(handle)

    agent = Counting()
    measure(bundle, agent, plan=Plan(launches=2, rounds=1, samples=20, seconds=9.0, alive=3))
    assert agent.most == 2, "what is compared stays together: the pair on cpu, the pair on openvino"
    assert agent.alive == 0
    measure(bundle, agent, plan=Plan(launches=2, rounds=1, samples=20, seconds=9.0, alive=4), fresh=True)
    assert agent.most == 4


def test_one_candidate_that_dies_does_not_take_the_others_along(bundle: Path) -> None:
    scripts = {("lstm-window-fp32-portable-plain", "cpu"): Script(dies_at_open=True)}
    found = measure(bundle, FakeAgent(Scenario(scripts=scripts, targets=("cpu",))))
    dead, fine = sorted(found.measurements, key=lambda one: one.family)
    assert not dead.valid
    assert dead.latency is None
    assert "died" in dead.warnings[0]
    assert fine.valid


def test_a_processor_that_computes_something_else_cannot_be_picked(bundle: Path) -> None:
    for artifact in ("lstm", "transformer"):
        (bundle / "golden").mkdir(exist_ok=True)
        save: Any = np.savez  # its stubs know no array by a name with a dot
        save(bundle / "golden" / f"{artifact}-window-fp32-portable-plain.npz", **{"input.x": np.zeros((8, 25, 12))})
    scripts = {("lstm-window-fp32-portable-plain", "*"): Script(parity_error=0.5)}
    found = measure(bundle, FakeAgent(Scenario(scripts=scripts)))
    for one in found.measurements:
        assert one.parity is not None
        assert one.valid == one.parity.passed == (one.family == "transformer")
        if not one.valid:
            assert any("computes something else" in text for text in one.warnings)


def test_what_was_measured_is_reused_until_asked_afresh(bundle: Path) -> None:
    first = measure(bundle, FakeAgent(Scenario(targets=("cpu",))))
    agent = FakeAgent(Scenario(targets=("cpu", "openvino")))
    second = measure(bundle, agent)
    assert {request.target for request in agent.opened} == {"openvino"}
    assert set(first.measurements) <= set(second.measurements)
    assert len(read_profiles(bundle)) == 2
    nothing_new = FakeAgent()
    measure(bundle, nothing_new)
    assert nothing_new.opened == []
    assert len(read_profiles(bundle)) == 2
    again = FakeAgent()
    measure(bundle, again, fresh=True)
    assert len(again.opened) == 4 * 3


def test_another_machine_reuses_nothing(bundle: Path) -> None:
    import dataclasses

    from edgekit_targets.agent.inprocess import FAKE_DEVICE

    measure(bundle, FakeAgent())
    other = FakeAgent(Scenario(device=dataclasses.replace(FAKE_DEVICE, fingerprint="1" * 64)))
    measure(bundle, other)
    assert len(other.opened) == 4 * 3


def test_an_interruption_keeps_what_was_measured_and_the_next_run_goes_on(bundle: Path) -> None:
    class Interrupted(FakeAgent):
        def run(self, request: Run) -> Ran:
            if len(self.ran) == 5:
                raise KeyboardInterrupt
            return super().run(request)

    with pytest.raises(KeyboardInterrupt):
        measure(bundle, Interrupted(Scenario(targets=("cpu",))))
    ((_, kept),) = read_profiles(bundle)
    assert sum(one.latency.samples for one in kept.measurements if one.latency) == 500
    assert not any(one.complete for one in kept.measurements)
    assert all("interrupted" in one.warnings[0] for one in kept.measurements)
    again = FakeAgent(Scenario(targets=("cpu",)))
    whole = measure(bundle, again)
    assert len(again.opened) == 2 * 2, "the second launch was interrupted, the first is gone on from"
    assert [one.latency.samples for one in whole.measurements if one.latency] == [600, 600]
    assert not list((bundle / "profiles").glob("*.jsonl"))


def test_time_is_capped_and_too_few_samples_say_so(bundle: Path) -> None:
    found = measure(
        bundle,
        FakeAgent(Scenario(default=Script(latency_seconds=0.1), targets=("cpu",))),
        plan=Plan(launches=2, rounds=2, samples=2000, seconds=4.0),
    )
    for one in found.measurements:
        assert one.latency is not None
        assert one.latency.samples <= 44
        assert one.latency.p99_seconds is None
        assert one.latency.p99_high_seconds is None
        assert any("too few" in text for text in one.warnings)


def test_threads_and_targets_multiply_and_are_checked(bundle: Path) -> None:
    agent = FakeAgent(Scenario(unavailable={"cuda": "no NVIDIA driver"}))
    found = measure(bundle, agent, threads=[1, 2], targets=["cpu", "openvino", "cpu"])
    assert len(found.measurements) == 2 * 2 * 2
    with pytest.raises(InputError, match="--threads 3"):
        measure(bundle, FakeAgent(), threads=[3])
    with pytest.raises(InputError, match="--target cuda cannot run on local: no NVIDIA driver"):
        measure(bundle, agent, targets=["cuda"])
    with pytest.raises(InputError, match="'tpu' is unknown; known are cpu, openvino"):
        measure(bundle, FakeAgent(), targets=["tpu"])


def test_lengths_and_batches_reach_the_inputs(bundle: Path) -> None:
    agent = FakeAgent(Scenario(targets=("cpu",)))
    found = measure(bundle, agent, lengths=[8, 16], batches=[3])
    assert {request.inputs["x"] for request in agent.opened} == {(3, 8, 12), (3, 16, 12)}
    assert {(one.batch, one.length) for one in found.measurements} == {(3, 8), (3, 16)}
    assert all(one.throughput_per_second == pytest.approx(3 / 0.001) for one in found.measurements)


def test_progress_reaches_its_total(bundle: Path) -> None:
    seen: list[tuple[str, float, float]] = []
    measure(bundle, FakeAgent(), progress=lambda *call: seen.append(call))
    assert seen[0] == ("profile", 0.0, 24.0)
    assert seen[-1] == ("profile", 24.0, 24.0)


def test_the_document_is_json_of_the_design(bundle: Path) -> None:
    measure(bundle, FakeAgent(Scenario(targets=("cpu",))))
    ((path, _),) = read_profiles(bundle)
    document = json.loads(path.read_text())
    assert document["schema_version"] == 2
    assert {"model", "cpu", "isa", "cores", "memory_bytes", "os", "governor"} <= set(document["device"])
    one = document["measurements"][0]
    assert {"artifact", "sha256", "family", "mode", "precision", "target", "threads", "batch", "length"} <= set(one)
    assert {"every_seconds", "latency", "cpu_seconds_per_inference", "load_seconds", "first_run_seconds"} <= set(one)
    assert {"throughput_per_second", "memory", "energy", "parity", "warnings", "valid"} <= set(one)
    assert {"samples", "p50_seconds", "p90_seconds", "p99_seconds", "p99_low_seconds", "p99_high_seconds"} <= set(
        one["latency"]
    )
    assert {"baseline_bytes", "load_peak_bytes", "run_peak_bytes", "steady_bytes"} <= set(one["memory"])


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=20, deadline=None
)
@given(latency=st.floats(1e-5, 0.2), launches=st.integers(1, 4), rounds=st.integers(1, 4), samples=st.integers(1, 500))
def test_any_plan_stays_within_its_caps(bundle: Path, latency: float, launches: int, rounds: int, samples: int) -> None:
    plan = Plan(launches=launches, rounds=rounds, samples=samples, seconds=2.0)
    agent = FakeAgent(Scenario(default=Script(latency_seconds=latency), targets=("cpu",)))
    found = measure(bundle, agent, plan=plan, fresh=True)
    for one in found.measurements:
        assert one.latency is not None
        slices = launches * rounds
        assert slices <= one.latency.samples <= samples + slices
        assert sum(map(sum, one.latency.raw_seconds)) <= 2.0 + slices * latency * 1.01


class Crashing(FakeAgent):
    """A runtime that dies over fixed shapes, as OpenVINO does over some models."""

    def open(self, request: Open) -> Opened:
        if request.options.fixed_shapes:
            raise AgentFailed("the process that ran it was killed by SIGSEGV")
        return super().open(request)


def test_a_crash_over_fixed_shapes_is_measured_with_free_ones_and_not_tried_again(
    make_bundle: MakeBundle, make_evidence: Make
) -> None:
    bundle = make_bundle(make_evidence("lstm"), profiled=False)
    agent = Crashing(Scenario(targets=("cpu",)))
    (found,) = measure(bundle, agent).measurements
    assert found.valid
    assert not found.fixed_shapes
    assert found.facts is not None
    assert found.facts.shapes == "free"
    assert "the shapes are free: with fixed ones the process that ran it was killed by SIGSEGV" in found.warnings
    opened = len(agent.opened)
    assert measure(bundle, agent).measurements == (found,)
    assert len(agent.opened) == opened
