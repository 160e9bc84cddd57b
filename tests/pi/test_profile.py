"""The whole way on real ARM code: the same agent, the same protocol, the same documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.devices.address import Address
from edgekit.devices.remote import remote_agent
from edgekit.profiling.measure import open_request
from edgekit.profiling.plan import Plan, subjects
from edgekit.profiling.run import profile
from edgekit_targets.bundle import read_manifest
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
            assert one.parity.max_abs_error <= 1e-5
    # Once more, from the start: the file is there, so nothing is sent; and nothing stays running.
    sent = stored(reach)
    assert {f"{one.sha256[:16]}.onnx" for one in found.measurements} <= set(sent)
    with remote_agent(Address(host="pi"), "pi") as agent:
        agent.hello()
        first, *_ = subjects(bundle, read_manifest(bundle), targets=["cpu"], threads=[1], lengths=[])
        agent.open(open_request("again", first))
    assert stored(reach) == sent
    assert not reach.running()


def stored(pi: Pi) -> dict[str, int]:
    """The files that were sent, and when each was written; a part of one has a name of its own."""
    return {path.name: path.stat().st_mtime_ns for path in (pi.home / ".edgekit" / "store").iterdir()}
