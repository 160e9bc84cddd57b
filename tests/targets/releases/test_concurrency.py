"""Killed processes and readers that look at every moment, on a real disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit_targets.releases.boot import ScriptedBoot
from edgekit_targets.releases.simulated import WatchedDisk
from edgekit_targets.releases.store import Store
from tests.targets.releases.bench import small_release

ROOT = Path(__file__).parents[3]
KILLS, LANES = 1000, 8
ACTIVATIONS, OPENS, READERS = 1000, 100_000, 2


def start(module: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"tests.targets.releases.{module}", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.mark.slow
def test_a_thousand_killed_processes_leave_a_whole_release(tmp_path: Path) -> None:
    lanes = [start("storm", tmp_path / str(lane), KILLS // LANES, lane) for lane in range(LANES)]
    found = []
    for lane in lanes:
        said, wrong = lane.communicate()
        assert lane.returncode == 0, wrong
        found.append(json.loads(said))
    assert sum(one["kills"] for one in found) == KILLS
    assert sum(one["switched"] for one in found) > 0, "nothing was ever finished"
    assert sum(one["went_back"] for one in found) > 0, "nothing was ever stopped in the middle"


@pytest.mark.slow
def test_readers_never_miss_or_mix_a_release(tmp_path: Path) -> None:
    """Each open takes the whole content through ``current``, as ONNX Runtime does; now and then a whole folder."""
    store = Store(tmp_path / "device", boot=ScriptedBoot(), disk=WatchedDisk(lambda operation: None, syncing=False))
    with store.locked(make=True):
        for counter in (1, 2):
            store.stage(small_release(tmp_path / str(counter), counter), f"{counter}-{counter:012x}")
            store.admit(f"{counter}-{counter:012x}")
        store.switch(f"1-{1:012x}", 1)
        store.confirm()
        readers = [start("reader", store.folder, OPENS // READERS) for _ in range(READERS)]
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
        activations = 0
        while activations < ACTIVATIONS or any(reader.poll() is None for reader in readers):
            counter = 2 - activations % 2
            store.switch(f"{counter}-{counter:012x}", counter)
            store.confirm()
            activations += 1
    found = []
    for reader in readers:
        said, wrong = reader.communicate()
        assert reader.returncode == 0, wrong
        found.append(json.loads(said))
    assert sum(one["opens"] for one in found) == OPENS
    assert all(one["seen"] == 2 and one["changes"] > 0 for one in found)
