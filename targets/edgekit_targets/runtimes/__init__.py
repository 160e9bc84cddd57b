"""The runtimes a model can be run on, one file each behind the contract in :mod:`edgekit_targets.runtimes.contract`."""

from __future__ import annotations

from edgekit_targets.errors import InputError
from edgekit_targets.runtimes.contract import Target
from edgekit_targets.runtimes.cpu import Cpu
from edgekit_targets.runtimes.cuda import Cuda
from edgekit_targets.runtimes.openvino import OpenVino
from edgekit_targets.types.target import TargetStatus

TARGETS: tuple[Target, ...] = (Cpu(), Cuda(), OpenVino(), OpenVino("GPU"), OpenVino("NPU"))


def find(name: str) -> Target:
    """The target of that name.

    Raises:
        InputError: there is none; the message names those there are.
    """
    for target in TARGETS:
        if target.name == name:
            return target
    known = ", ".join(target.name for target in TARGETS)
    raise InputError(f"--target {name} is unknown; known targets: {known}")


def statuses() -> tuple[TargetStatus, ...]:
    """What can run here: one status for each known target, each runtime tried in a process of its own."""
    from edgekit_targets.runtimes.probe import probe_all

    return probe_all()
