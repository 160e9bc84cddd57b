"""Processes of a pool end with the one that started them, even where that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

MAIN = """
import multiprocessing, os, sys, time
from edgekit.rounds.trainers import Trainers

if __name__ == "__main__":
    with Trainers(2) as trainers:
        for own in trainers.run(time.sleep, [0.0, 0.0]):
            pass
        children = multiprocessing.active_children()
        print(*(child.pid for child in children), flush=True)
        time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_nobody_is_left_when_the_run_is_killed() -> None:
    running = subprocess.Popen([sys.executable, "-c", MAIN], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        workers = [int(pid) for pid in running.stdout.readline().split()]
        assert len(workers) == 2
        running.send_signal(signal.SIGKILL)
        running.wait(timeout=30)
        patience = time.monotonic() + 30
        while any(map(alive, workers)):
            assert time.monotonic() < patience, workers
            time.sleep(0.05)
    finally:
        running.kill()
        running.communicate()
