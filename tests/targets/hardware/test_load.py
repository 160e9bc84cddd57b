from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgekit_targets.hardware.load import Load, changes, disturbances, read_load, remarks
from edgekit_targets.types.profile import Conditions, DeviceConditions

QUIET = Load(
    wall_seconds=10.0,
    busy_seconds=100.0,
    steal_seconds=1.0,
    own_seconds=5.0,
    waited_seconds=3.0,
    asleep_seconds=60.0,
    swapped_pages=7,
)
COOL = Conditions(
    governor="performance",
    frequency_hz=2e9,
    temperature_celsius=50.0,
    throttled=(),
    power="mains",
    swap_used_bytes=0,
    load_average=0.5,
)


def later(**changes: Any) -> Load:
    """One second later, of which this process used all."""
    return replace(QUIET, **({"wall_seconds": 11.0, "busy_seconds": 101.0, "own_seconds": 6.0} | changes))


def test_a_quiet_second_says_nothing() -> None:
    for after in (later(), later(busy_seconds=101.09, steal_seconds=1.049, waited_seconds=3.049)):
        assert disturbances(QUIET, after) == ()
        assert remarks(QUIET, after) == ()
    assert changes(COOL, replace(COOL, frequency_hz=1.81e9, temperature_celsius=90.0, load_average=9.0)) == ()


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"swapped_pages": 10}, "swap", "swapped 3 pages"),
        ({"steal_seconds": 1.25}, "load", "took 25% of a processor"),
        ({"waited_seconds": 3.25}, "load", "kept it waiting for a processor 25% of the time"),
        ({"asleep_seconds": 90.0}, "clock", "suspended"),
    ],
)
def test_each_disturbance_has_its_line(change: dict[str, Any], kind: str, words: str) -> None:
    (found,) = disturbances(QUIET, later(**change))
    assert found.kind == kind
    assert words in found.detail


def gpu(*throttled: str) -> DeviceConditions:
    return DeviceConditions(frequency_hz=1.98e9, temperature_celsius=80.0, throttled=throttled)


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"frequency_hz": 1.5e9}, "clock", "slowed down from 2000 to 1500 MHz"),
        ({"governor": "powersave"}, "clock", "governor changed from performance to powersave"),
        ({"power": "battery"}, "power", "changed from mains to battery"),
        ({"throttled": ("under-voltage",)}, "throttling", "held back (under-voltage)"),
        ({"device": gpu("power cap", "thermal slowdown")}, "throttling", "the GPU is held back (thermal slowdown)"),
    ],
)
def test_each_change_of_the_machine_has_its_line(change: dict[str, Any], kind: str, words: str) -> None:
    (found,) = changes(COOL, replace(COOL, **change))
    assert found.kind == kind
    assert words in found.detail


def test_a_gpu_at_its_power_limit_runs_at_its_own_speed() -> None:
    assert changes(COOL, replace(COOL, device=gpu("power cap"))) == ()


def test_work_on_another_core_is_told_and_disturbs_nothing() -> None:
    busy = later(busy_seconds=102.5)
    assert disturbances(QUIET, busy) == ()
    assert remarks(QUIET, busy) == ("other processes used 150% of a processor meanwhile",)


def test_ticks_tell_nothing_of_an_instant_but_waiting_does() -> None:
    instant = later(wall_seconds=10.1, busy_seconds=200.0, steal_seconds=2.0)
    assert disturbances(QUIET, instant) == ()
    assert remarks(QUIET, instant) == ()
    assert disturbances(QUIET, replace(instant, waited_seconds=3.01))[0].kind == "load"


def test_what_is_not_known_disturbs_nothing() -> None:
    assert changes(replace(COOL, frequency_hz=None), replace(COOL, frequency_hz=1.0)) == ()
    assert disturbances(replace(QUIET, waited_seconds=None), later(waited_seconds=99.0)) == ()


def test_reads_the_kernels_counters(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text("cpu  100 10 200 9999 30 4 6 80 0 0\ncpu0 1 2 3\n")
    (tmp_path / "proc/vmstat").write_text("nr_free_pages 1\npswpin 3\npswpout 4\n")
    found = read_load(tmp_path)
    assert found is not None
    hertz = os.sysconf("SC_CLK_TCK")
    assert (found.busy_seconds, found.steal_seconds) == (320 / hertz, 80 / hertz)
    assert (found.swapped_pages, found.waited_seconds) == (7, None)
    for task, waited in (("11", 2_000_000_000), ("12", 500_000_000)):
        (tmp_path / "proc/self/task" / task).mkdir(parents=True)
        (tmp_path / "proc/self/task" / task / "schedstat").write_text(f"123456 {waited} 78\n")
    again = read_load(tmp_path)
    assert again is not None
    assert again.waited_seconds == 2.5


@pytest.mark.parametrize("text", ["", "cpu 1 2 3\n", "cpu  a b c\n"])
def test_counters_that_make_no_sense_are_none(tmp_path: Path, text: str) -> None:
    assert read_load(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/vmstat").write_text("pswpin 3\n")
    (tmp_path / "proc/stat").write_text(text)
    assert read_load(tmp_path) is None


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="no /proc here")
def test_this_machine_has_them() -> None:
    before = read_load()
    sum(range(2_000_000))
    after = read_load()
    assert before is not None
    assert after is not None
    assert after.own_seconds > before.own_seconds
    assert after.busy_seconds >= before.busy_seconds
