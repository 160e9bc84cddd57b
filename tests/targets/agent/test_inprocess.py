from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_targets.agent import arrays
from edgekit_targets.agent.contract import Agent
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.agent.protocol import Evaluate, Open, Run
from edgekit_targets.errors import AgentFailed, InputError
from edgekit_targets.runtimes.fake import Script


def request(handle: str = "a", file: str = "lstm.onnx", target: str = "cpu", **more: Any) -> Open:
    base = Open(handle=handle, file=file, sha256="5" * 64, target=target, inputs={"x": (1, 3)})
    return dataclasses.replace(base, **more)


def run(handle: str = "a", samples: int = 4) -> Run:
    return Run(handle=handle, samples=samples, max_seconds=10.0, warmup_seconds=0.0)


def test_it_is_an_agent() -> None:
    with FakeAgent() as fake:
        agent: Agent = fake
        assert [(status.name, status.available) for status in agent.hello().targets] == [
            ("cpu", True),
            ("openvino", True),
        ]


def test_scripts_are_found_by_name_or_hash_and_target() -> None:
    scenario = Scenario(
        scripts={
            ("lstm", "cpu"): Script(latency_seconds=0.001),
            ("lstm", "*"): Script(latency_seconds=0.002),
            ("7" * 64, "cpu"): Script(latency_seconds=0.003),
        },
        default=Script(latency_seconds=0.004),
    )
    for seconds, asked in [
        (0.001, request()),
        (0.002, request(target="openvino")),
        (0.003, request(file="x.onnx", sha256="7" * 64)),
        (0.004, request(file="x.onnx")),
    ]:
        agent = FakeAgent(scenario)
        agent.open(asked)
        assert agent.run(run()).seconds == (seconds,) * 4
    with pytest.raises(InputError, match="nothing is scripted for x on cpu"):
        FakeAgent(Scenario(default=None)).open(request(file="x.onnx"))


def test_models_share_one_clock_and_keep_their_memory_apart() -> None:
    agent = FakeAgent(Scenario(scripts={("a", "*"): Script(load_bytes=1, load_spike_bytes=0)}))
    first, second = agent.open(request("1", "a.onnx")), agent.open(request("2", "b.onnx"))
    assert first.memory is not None
    assert second.memory is not None
    assert first.memory.load_peak_bytes - first.memory.baseline_bytes == 1
    assert second.memory.load_peak_bytes - second.memory.baseline_bytes == 3 * 2**20
    before = agent.clock.now()
    agent.run(run("1"))
    agent.run(run("2"))
    assert agent.clock.now() - before == 2 * 5 * 1_000_000


@pytest.mark.parametrize(("error", "passed"), [(0.0, True), (0.1, True), (0.2, False)])
def test_parity_is_scripted(error: float, passed: bool) -> None:
    agent = FakeAgent(Scenario(default=Script(parity_error=error)))
    parity = agent.open(request(golden="nowhere.npz", tolerance=0.1)).parity
    assert parity is not None
    assert (parity.max_abs_error, parity.tolerance, parity.passed) == (error, 0.1, passed)
    assert agent.open(request("b")).parity is None


def test_a_worker_that_dies_takes_only_its_handle_with_it() -> None:
    agent = FakeAgent(
        Scenario(scripts={("bad", "*"): Script(dies_at_run=4), ("worse", "*"): Script(dies_at_open=True)})
    )
    agent.open(request("good"))
    agent.open(request("bad", "bad.onnx"))
    with pytest.raises(AgentFailed):
        agent.run(run("bad"))
    with pytest.raises(InputError, match="no model is open under the handle bad"):
        agent.run(run("bad"))
    with pytest.raises(AgentFailed):
        agent.open(request("worse", "worse.onnx"))
    assert len(agent.run(run("good")).seconds) == 4


def test_handles_and_targets_are_checked() -> None:
    agent = FakeAgent(Scenario(unavailable={"cuda": "no GPU"}))
    agent.open(request())
    with pytest.raises(InputError, match="in use"):
        agent.open(request())
    agent.close("a")
    agent.close("a")
    agent.open(request())
    with pytest.raises(InputError, match="--target cuda cannot run here: no GPU"):
        agent.open(request("b", target="cuda"))
    assert [status.reason for status in agent.hello().targets if status.name == "cuda"] == ["no GPU"]
    assert [asked.target for asked in agent.opened] == ["cpu", "cpu", "cpu", "cuda"]


def test_evaluates_with_the_scripts_function(tmp_path: Path) -> None:
    agent = FakeAgent(Scenario(default=Script(compute=lambda feeds: {"y": feeds["x"].sum(axis=1)})))
    agent.open(request())
    arrays.save(tmp_path / "in.npz", "input.", {"x": np.ones((4, 3), np.float32)})
    done = agent.evaluate(Evaluate(handle="a", inputs=str(tmp_path / "in.npz"), outputs=str(tmp_path / "out.npz")))
    assert done.samples == 4
    with np.load(tmp_path / "out.npz") as found:
        assert found["output.y"].tolist() == [3, 3, 3, 3]


def test_a_thousand_models_take_no_time() -> None:
    agent = FakeAgent()
    for number in range(1000):
        agent.open(request(str(number)))
    assert agent.clock.now() >= 1000 * 50_000_000
