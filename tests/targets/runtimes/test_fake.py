from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_targets.errors import AgentFailed, InputError
from edgekit_targets.measure.clock import ScriptedClock
from edgekit_targets.measure.memory import ScriptedMeter
from edgekit_targets.runtimes.fake import FakeSession, FakeTarget, Script
from edgekit_targets.types.session import SessionOptions


class Bench:
    """A fake session with its clock and meter."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ScriptedClock()
        self.meter = ScriptedMeter(1000)
        target = FakeTarget("cpu", Script(**settings), {"x": (1, 3)}, self.clock, self.meter)
        path = Path("lstm.onnx")
        self.session: FakeSession = target.open(path, SessionOptions(), target.check(path))


def test_loading_takes_its_time_and_memory() -> None:
    bench = Bench(load_seconds=0.5, load_bytes=10, load_spike_bytes=7)
    assert (bench.clock.now(), bench.meter.resident(), bench.meter.peak()) == (500_000_000, 1010, 1017)


@pytest.mark.parametrize(
    ("latency", "expected"),
    [(0.001, [1, 1, 1, 1]), ([0.001, 0.003], [1, 3, 1, 3]), (lambda run: 0.001 * (run + 1), [1, 2, 3, 4])],
)
def test_every_way_to_script_a_latency(latency: Any, expected: list[int]) -> None:
    bench = Bench(latency_seconds=latency, cores=2.0)
    bench.session.bind({})
    found = []
    for _ in range(4):
        wall, cpu = bench.clock.now(), bench.clock.cpu()
        bench.session.run()
        found.append((bench.clock.now() - wall) // 1_000_000)
        assert bench.clock.cpu() - cpu == 2 * (bench.clock.now() - wall)
    assert found == expected


def test_only_the_first_bind_costs_memory() -> None:
    bench = Bench(load_bytes=0, load_spike_bytes=0, run_bytes=5, run_spike_bytes=3)
    bench.session.bind({})
    bench.session.bind({})
    assert (bench.meter.resident(), bench.meter.peak()) == (1005, 1008)


def test_answers_come_from_the_script() -> None:
    bench = Bench(compute=lambda feeds: {"y": feeds["x"] * 2})
    bench.session.bind({"x": np.ones(3)})
    assert bench.session.read()["y"].tolist() == [2, 2, 2]
    silent = Bench()
    silent.session.bind({})
    with pytest.raises(InputError, match="compute"):
        silent.session.read()


def test_dies_and_refuses_when_told() -> None:
    with pytest.raises(AgentFailed, match="while it loaded"):
        Bench(dies_at_open=True)
    with pytest.raises(InputError, match="cannot be loaded: too new"):
        Bench(refuses="too new")
    bench = Bench(dies_at_run=3)
    bench.session.bind({})
    bench.session.run()
    with pytest.raises(AgentFailed, match="run 3"):
        bench.session.run()
