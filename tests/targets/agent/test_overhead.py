from __future__ import annotations

import pytest

from edgekit_targets.agent.overhead import call_seconds
from edgekit_targets.measure.clock import RealClock, ScriptedClock
from edgekit_targets.measure.memory import ScriptedMeter
from edgekit_targets.runtimes import find
from edgekit_targets.runtimes.fake import FakeTarget, Script
from edgekit_targets.types.session import SessionOptions


@pytest.mark.parametrize("target", ["cpu", "openvino"])
def test_a_call_that_computes_nothing_takes_time_all_the_same(target: str) -> None:
    found = call_seconds(find(target), SessionOptions(), RealClock())
    assert found is not None
    assert found > 0


def test_it_is_the_median() -> None:
    clock = ScriptedClock()
    script = Script(latency_seconds=[1e-5, 3e-5, 2e-5])
    target = FakeTarget("cpu", script, {"x": (1,)}, clock, ScriptedMeter(0))
    assert call_seconds(target, SessionOptions(), clock) == pytest.approx(2e-5)


def test_a_target_that_cannot_run_it_has_no_figure() -> None:
    clock = ScriptedClock()
    target = FakeTarget("npu", Script(refuses="no such operator"), {"x": (1,)}, clock, ScriptedMeter(0))
    assert call_seconds(target, SessionOptions(), clock) is None
