from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit_targets.measure.memory import ProcMeter, ScriptedMeter

MIB = 2**20

SPIKE = """
import json, mmap, time
from edgekit_targets.measure.memory import ProcMeter
meter = ProcMeter()
assert meter.reason is None, meter.reason
for _ in range(100):
    meter.reset()
    before, quiet = meter.resident(), meter.peak()
    spike = mmap.mmap(-1, 50 * 2**20)
    spike[::4096] = b"1" * (len(spike) // 4096)
    time.sleep(0.002)
    spike.close()
    after, peak = meter.resident(), meter.peak()
    meter.reset()
    print(json.dumps([before, quiet, after, peak, meter.peak()]))
"""


def test_a_spike_of_50_mb_for_2_ms_is_caught_every_time() -> None:
    done = subprocess.run([sys.executable, "-c", SPIKE], capture_output=True, text=True, check=True)
    spikes = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(spikes) == 100
    for before, quiet, after, peak, again in spikes:
        assert peak - before == pytest.approx(50 * MIB, abs=MIB)
        assert quiet == pytest.approx(before, abs=MIB)
        assert after == pytest.approx(before, abs=MIB)
        assert again == pytest.approx(after, abs=MIB)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "status").write_text("Name:\tpython\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n")
    (tmp_path / "smaps_rollup").write_text("5581 [rollup]\nRss:                1000 kB\nPss:  500 kB\n")
    (tmp_path / "clear_refs").write_text("")
    return tmp_path


def test_reads_the_kernels_words(proc: Path) -> None:
    meter = ProcMeter(proc)
    assert meter.reason is None
    assert (meter.peak(), meter.resident(), meter.files()) == (2048 * 1024, 1000 * 1024, None)
    (proc / "status").write_text("VmHWM:\t2048 kB\nRssFile:\t512 kB\n")
    assert meter.files() == 512 * 1024
    assert (proc / "clear_refs").read_text() == "5"


def test_without_a_rollup_the_counter_serves(proc: Path) -> None:
    (proc / "smaps_rollup").unlink()
    assert ProcMeter(proc).resident() == 1024 * 1024


def test_says_why_it_cannot_measure(proc: Path, tmp_path: Path) -> None:
    (proc / "status").write_text("Name:\tpython\n")
    assert "has no VmHWM" in str(ProcMeter(proc).reason)
    (proc / "status").unlink()
    assert "status gives No such file" in str(ProcMeter(proc).reason)
    assert "clear_refs gives No such file" in str(ProcMeter(tmp_path / "nowhere").reason)


def test_the_scripted_meter_remembers_the_highest() -> None:
    meter = ScriptedMeter(100)
    meter.grow(10, spike_bytes=5)
    meter.grow(2)
    assert (meter.resident(), meter.peak()) == (112, 115)
    meter.reset()
    assert (meter.resident(), meter.peak()) == (112, 112)
