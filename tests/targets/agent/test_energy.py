from __future__ import annotations

import pytest

from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.energy import EnergyReader
from edgekit_targets.agent.protocol import Idle
from edgekit_targets.errors import InputError
from edgekit_targets.hardware.energy.contract import EnergySource, Unreadable
from edgekit_targets.hardware.energy.scripted import ScriptedEnergy
from edgekit_targets.measure.clock import ScriptedClock


def reader(clock: ScriptedClock, source: EnergySource | None) -> EnergyReader:
    def open_(target: str) -> EnergySource:
        if source is None:
            raise Unreadable("nothing here")
        return source

    return EnergyReader(open_, lambda: clock.now() / 1e9)


def test_tells_the_energy_of_what_happens_meanwhile() -> None:
    clock = ScriptedClock()
    found = reader(clock, ScriptedEnergy(clock, 4.0))
    clock.advance(100.0)
    result, used = found.around("cpu", lambda: clock.advance(2.5))
    assert result is None
    assert (used.joules, used.seconds, used.source, used.reason) == (10.0, 2.5, "measured: scripted", None)
    assert found.window_seconds("cpu") == 0.5


def test_without_a_source_it_happens_all_the_same() -> None:
    clock = ScriptedClock()
    found = reader(clock, None)
    result, used = found.around("cpu", lambda: "done")
    assert result == "done"
    assert (used.joules, used.source, used.reason) == (None, None, "nothing here")
    assert found.window_seconds("cpu") is None


@pytest.mark.parametrize("fails_at", ["start", "stop"])
def test_a_source_that_fails_says_why(fails_at: str) -> None:
    class Failing(ScriptedEnergy):
        def start(self) -> None:
            if fails_at == "start":
                raise Unreadable("it broke")

        def stop(self) -> float:
            raise Unreadable("it broke")

    clock = ScriptedClock()
    _, used = reader(clock, Failing(clock, 1.0)).around("cpu", lambda: clock.advance(1.0))
    assert (used.joules, used.seconds, used.reason) == (None, 1.0, "it broke")


def test_a_real_agent_idles_and_tells_a_figure_or_a_reason() -> None:
    with LocalAgent() as agent:
        idled = agent.idle(Idle(target="cpu", seconds=0.3))
        assert idled.energy.seconds >= 0.3
        assert (idled.energy.joules is None) == (idled.energy.reason is not None) == (idled.window_seconds is None)
        with pytest.raises(InputError, match="seconds must be between 0 and 600"):
            agent.idle(Idle(target="cpu", seconds=601.0))
        with pytest.raises(InputError, match="--target tpu is unknown"):
            agent.idle(Idle(target="tpu", seconds=0.0))
