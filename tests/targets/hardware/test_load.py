from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgekit_targets.hardware.load import Load, disturbances, read_load

QUIET = Load(
    wall_seconds=10.0, busy_seconds=100.0, steal_seconds=1.0, own_seconds=5.0, swapped_pages=7, frequency_hz=2e9
)


def later(**changes: Any) -> Load:
    """One second later, of which this process used all."""
    return replace(QUIET, **({"wall_seconds": 11.0, "busy_seconds": 101.0, "own_seconds": 6.0} | changes))


def test_a_quiet_second_says_nothing() -> None:
    assert disturbances(QUIET, later()) == ()
    assert disturbances(QUIET, later(busy_seconds=101.09, steal_seconds=1.019, frequency_hz=1.81e9)) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"swapped_pages": 10}, "swapped 3 pages"),
        ({"steal_seconds": 1.25}, "took 25% of a processor"),
        ({"busy_seconds": 102.5}, "other processes used 150% of a processor"),
        ({"frequency_hz": 1.5e9}, "slowed down from 2000 to 1500 MHz"),
    ],
)
def test_each_disturbance_has_its_line(change: dict[str, Any], words: str) -> None:
    (line,) = disturbances(QUIET, later(**change))
    assert words in line


def test_an_instant_is_too_short_to_tell() -> None:
    assert disturbances(QUIET, later(wall_seconds=10.1, busy_seconds=200.0)) == ()


def test_an_unknown_frequency_is_no_slow_one() -> None:
    assert disturbances(replace(QUIET, frequency_hz=None), later(frequency_hz=1.0)) == ()


def test_reads_the_kernels_counters(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text("cpu  100 10 200 9999 30 4 6 80 0 0\ncpu0 1 2 3\n")
    (tmp_path / "proc/vmstat").write_text("nr_free_pages 1\npswpin 3\npswpout 4\n")
    found = read_load(tmp_path)
    assert found is not None
    hertz = os.sysconf("SC_CLK_TCK")
    assert (found.busy_seconds, found.steal_seconds) == (320 / hertz, 80 / hertz)
    assert (found.swapped_pages, found.frequency_hz) == (7, None)
    frequency = tmp_path / "sys/devices/system/cpu/cpu0/cpufreq"
    frequency.mkdir(parents=True)
    (frequency / "scaling_cur_freq").write_text("1500000\n")
    again = read_load(tmp_path)
    assert again is not None
    assert again.frequency_hz == 1.5e9


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
