from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_targets.agent import arrays
from edgekit_targets.agent.model import Model
from edgekit_targets.agent.protocol import Evaluate, Open, Run
from edgekit_targets.errors import InputError
from edgekit_targets.hardware.surroundings import Quiet, Seen
from edgekit_targets.measure.clock import ScriptedClock
from edgekit_targets.measure.memory import ScriptedMeter
from edgekit_targets.measure.process_peak import PeakMeter
from edgekit_targets.runtimes.fake import FakeTarget, Script
from edgekit_targets.types.manifest import Tensor
from edgekit_targets.types.profile import Conditions, Disturbance, Memory
from edgekit_targets.types.session import SessionOptions

REQUEST = Open(handle="a", file="lstm.onnx", sha256="", target="cpu", inputs={"x": (1, 3)})
RUN = Run(handle="a", samples=3, max_seconds=1.0, warmup_seconds=0.0)


def model(**script: Any) -> Model:
    clock, meter = ScriptedClock(), ScriptedMeter(1000)
    return Model(FakeTarget("cpu", Script(**script), REQUEST.inputs, clock, meter), clock, meter, Quiet())


def test_opening_tells_time_and_memory_exactly() -> None:
    found = model(
        load_seconds=0.25,
        first_run_seconds=0.125,
        load_bytes=100,
        load_spike_bytes=40,
        run_bytes=10,
        run_spike_bytes=3,
    ).open(REQUEST)
    assert (found.load_seconds, found.first_run_seconds) == (0.25, 0.125)
    assert found.memory == Memory(
        baseline_bytes=1000, load_peak_bytes=1140, run_peak_bytes=1113, steady_bytes=1110, added_file_bytes=0
    )
    assert (found.parity, found.warnings, found.runtime_version) == (None, (), "fake")


def test_a_spike_of_loading_is_not_told_again_as_one_of_running() -> None:
    memory = model(load_bytes=0, load_spike_bytes=5000, run_bytes=0, run_spike_bytes=0).open(REQUEST).memory
    assert memory is not None
    assert (memory.load_peak_bytes, memory.run_peak_bytes) == (6000, 1000)


def test_what_the_second_run_adds_is_part_of_the_peak() -> None:
    quiet = {"run_bytes": 0, "run_spike_bytes": 0, "load_bytes": 0, "load_spike_bytes": 0}
    memory = model(**quiet, second_run_bytes=2**20).open(REQUEST).memory
    assert memory is not None
    assert memory.added_bytes == 2**20
    assert memory.steady_bytes == 1000 + 2**20


def test_what_the_process_takes_beside_the_model_later_is_not_the_models() -> None:
    """Golden outputs, and the reply to ``open``, are in the process before the first slice."""
    clock, meter = ScriptedClock(), ScriptedMeter(1000)
    script = Script(load_bytes=0, load_spike_bytes=0, run_bytes=0, run_spike_bytes=0, hundredth_run_bytes=7)
    made = Model(FakeTarget("cpu", script, REQUEST.inputs, clock, meter), clock, meter, Quiet())
    memory = made.open(REQUEST).memory
    assert memory is not None
    assert memory.steady_bytes == 1000
    meter.grow(500)
    steady = []
    for _ in range(3):
        steady.append(made.run(dataclasses.replace(RUN, samples=50)).steady_bytes)
        meter.grow(30)
    assert steady == [1000, 1007, 1007]


def test_a_run_that_takes_more_for_a_moment_is_told() -> None:
    script = Script(load_spike_bytes=0, run_bytes=0, run_spike_bytes=2**19, hundredth_run_spike_bytes=50 * 2**20)
    clock, meter = ScriptedClock(), ScriptedMeter(1000)
    made = Model(FakeTarget("cpu", script, REQUEST.inputs, clock, meter), clock, meter, Quiet())
    memory = made.open(REQUEST).memory
    assert memory is not None
    assert memory.run_peak_bytes == memory.steady_bytes + 2**19
    meter.grow(2**20)  # beside the model
    before, during, after = (made.run(dataclasses.replace(RUN, samples=50)).peak_bytes for _ in range(3))
    assert before == memory.run_peak_bytes
    assert during == after == memory.steady_bytes + 50 * 2**20


def test_where_only_the_process_has_a_peak_that_is_told() -> None:
    clock = ScriptedClock()
    target = FakeTarget("cpu", Script(), REQUEST.inputs, clock, ScriptedMeter(1000))
    opened = Model(target, clock, PeakMeter("macOS", lambda: 123), Quiet()).open(REQUEST)
    assert (opened.memory, opened.process_peak_bytes) == (None, 123)
    assert "macOS has no high-water mark that can be reset" in opened.warnings[0]


def test_what_cannot_be_measured_is_null_with_its_reason() -> None:
    clock, meter = ScriptedClock(), ScriptedMeter(1000)
    meter.reason = "memory was not measured: no /proc"
    target = FakeTarget("cpu", Script(), REQUEST.inputs, clock, meter)
    target.notes = ("a note of the target",)
    made = Model(target, clock, meter, Quiet())
    opened = made.open(REQUEST)
    assert opened.memory is None
    assert opened.warnings == ("memory was not measured: no /proc", "a note of the target")
    assert made.run(RUN).steady_bytes is None


def test_a_slice_is_exact() -> None:
    made = model(latency_seconds=[0.002, 0.003, 0.5, 0.001], cores=2.0)  # two runs settle it, one warms up
    made.open(REQUEST)
    ran = made.run(RUN)
    assert ran.seconds == (0.001, 0.002, 0.003)
    assert (ran.wall_seconds, ran.cpu_seconds, ran.warmup_runs) == (0.006, 0.012, 1)


def test_a_busy_machine_is_told_with_the_slice() -> None:
    clock, meter = ScriptedClock(), ScriptedMeter(1000)
    hot = Seen(
        disturbances=(Disturbance(kind="swap", detail="swapped"),),
        remarks=("busy elsewhere",),
        conditions=Conditions(
            governor="performance",
            frequency_hz=1e9,
            temperature_celsius=80.0,
            throttled=(),
            power="mains",
            swap_used_bytes=0,
            load_average=1.0,
        ),
        yardstick_seconds=2e-4,
    )
    made = Model(FakeTarget("cpu", Script(), REQUEST.inputs, clock, meter), clock, meter, Quiet((hot, Seen())))
    made.open(REQUEST)
    ran = made.run(RUN)
    assert (ran.disturbances, ran.warnings, ran.conditions) == (hot.disturbances, hot.remarks, hot.conditions)
    assert ran.yardstick_seconds == 2e-4
    assert made.run(RUN).disturbances == ()


def test_at_a_pace_the_response_runs_from_the_arrival() -> None:
    made = model(latency_seconds=[0.015, 0.001, 0.001, 0.001])  # two runs settle it, one warms up
    made.open(REQUEST)
    ran = made.run(dataclasses.replace(RUN, every_seconds=0.01))
    assert ran.seconds == (0.001, 0.015, 0.001)
    assert ran.response_seconds == (0.001, 0.015, 0.006)
    assert made.run(RUN).response_seconds is None


def test_evaluate_writes_what_the_model_answers(tmp_path: Path) -> None:
    made = model(
        inputs=(Tensor(name="x", dtype="float32", shape=("batch", 3)),), compute=lambda feeds: {"y": feeds["x"] + 1}
    )
    made.open(REQUEST)
    arrays.save(tmp_path / "in.npz", "input.", {"x": np.arange(15, dtype=np.float32).reshape(5, 3)})
    for whole in (False, True):
        done = made.evaluate(
            Evaluate(handle="a", inputs=str(tmp_path / "in.npz"), outputs=str(tmp_path / "out.npz"), whole=whole)
        )
        assert done.samples == 5
        with np.load(tmp_path / "out.npz") as found:
            np.testing.assert_array_equal(found["output.y"], np.arange(15).reshape(5, 3) + 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"options": SessionOptions(threads=0)}, "--threads must be between 1 and 1024, not 0"),
        ({"options": SessionOptions(threads=5000)}, "--threads"),
        ({"inputs": {"x": (1, 0)}}, "--shape x=1x0"),
        ({"inputs": {"x": (1, -3)}}, "--shape x=1x-3"),
        ({"inputs": {"x": (1 << 20, 1 << 20)}}, "--shape x="),
        ({"inputs": {"z": (1, 3)}}, "no input z"),
        ({"inputs": {}}, "input x of the model has no shape"),
    ],
)
def test_wrong_settings(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        model().open(dataclasses.replace(REQUEST, **change))


def test_nothing_runs_before_it_is_open() -> None:
    with pytest.raises(InputError, match="open one first"):
        model().run(RUN)
