from __future__ import annotations

import subprocess
import sys

from edgekit_targets.releases.boot import RealBoot, ScriptedBoot


def test_this_start_of_the_machine_has_one_id_and_its_time_goes_on() -> None:
    code = "from edgekit_targets.releases.boot import RealBoot; print(RealBoot().id)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    boot = RealBoot()
    assert boot.id == other
    assert len(other) > 8
    before = boot.seconds()
    assert 0 < before <= boot.seconds()


def test_a_scripted_machine_starts_again() -> None:
    boot = ScriptedBoot()
    first = boot.id
    boot.advance(5.0)
    assert boot.seconds() == 5.0
    boot.restart()
    assert (boot.seconds(), boot.id == first) == (0.0, False)
