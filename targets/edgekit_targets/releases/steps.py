"""What an installation does on a real device."""

from __future__ import annotations

import platform
from functools import partial
from pathlib import Path

from edgekit_targets.hardware.describe import describe
from edgekit_targets.releases.check import check_runs, verify_release
from edgekit_targets.releases.format import Release
from edgekit_targets.releases.health import probe, try_out
from edgekit_targets.releases.install import Steps
from edgekit_targets.releases.times import PROBE_SECONDS
from edgekit_targets.releases.watchdog import watched
from edgekit_targets.runtimes.packages import onnxruntime_version
from edgekit_targets.signing.ring import read_ring
from edgekit_targets.signing.verify import Signer


def real_steps(root: Path, command: str | None = None, seconds: float = PROBE_SECONDS) -> Steps:
    """The keys are those that the device trusts below ``root``; ``command`` is the application's own probe."""
    return Steps(
        verify=partial(_verify, root),
        suits=suits,
        trial=try_out,
        health=partial(probe, command=command, seconds=seconds),
        guard=watched,
    )


def suits(release: Release) -> None:
    """Whether a release may run on this machine.

    Raises:
        InputError: another architecture, an instruction set that is not there, a runtime that is missing or too old.
    """
    check_runs(release, architecture=platform.machine(), isa=describe().isa, onnxruntime=onnxruntime_version())


def _verify(root: Path, folder: Path) -> tuple[Release, Signer]:
    ring = read_ring(root)
    return verify_release(folder, ring.trusted, ring.revoked)
