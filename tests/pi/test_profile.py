"""The whole way on real ARM code: the same agent, the same protocol, the same documents."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edgekit.devices.address import Address
from edgekit.devices.remote import remote_agent
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit_targets.progress import silent
from tests.pi.parts.device import Pi
from tests.pi.parts.sysroot import MODEL

pytestmark = pytest.mark.slow

QUICK = Plan(launches=1, rounds=1, samples=8, seconds=0.5, warmup_seconds=0.01)


def test_arm_answers_as_pytorch_does(reach: Pi, bundle: Path) -> None:
    with remote_agent(Address(host="pi"), "pi") as agent:
        found = profile(bundle, agent, plan=QUICK, progress=silent)
    assert (found.device.name, found.device.model, found.device.architecture) == ("pi", MODEL, "aarch64")
    assert found.device.cpu == "Cortex-A72"
    assert {one.mode for one in found.measurements} == {"window", "stream"}
    for one in found.measurements:
        assert one.target == "cpu"
        assert one.latency is not None, one.warnings
        assert one.memory is not None
        # The golden outputs are PyTorch's: ARM's integer kernels are judged by those, not by this machine's.
        assert one.parity is not None
        assert one.parity.passed, one.artifact
        if one.precision == "fp32":
            assert one.parity.max_abs_error <= max(1e-5, one.parity.tolerance)


def test_each_file_is_sent_once_and_nothing_stays_running(reach: Pi, one_file: Path) -> None:
    def measured() -> dict[str, int]:
        with remote_agent(Address(host="pi"), "pi") as agent:
            profile(one_file, agent, plan=QUICK, progress=silent, fresh=True)
        return {path.name: path.stat().st_mtime_ns for path in (reach.home / ".edgekit" / "store").iterdir()}

    once = measured()
    assert not [name for name in once if ".part" in name]
    assert measured() == once
    running = subprocess.run(["pgrep", "-f", f"{reach.home}/.edgekit"], capture_output=True, check=False)
    assert not running.stdout
