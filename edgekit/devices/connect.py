"""From the argument of ``--device`` to an agent on that machine."""

from __future__ import annotations

from contextlib import AbstractContextManager

from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.contract import Agent
from edgekit_targets.errors import InputError

LOCAL = "local"


def connect(device: str) -> AbstractContextManager[Agent]:
    """An agent on the device: the local machine is one like any other, reached over a pipe.

    Raises:
        InputError: no such device.
    """
    if device != LOCAL:
        raise InputError(f"--device {device!r} is unknown; this version measures on {LOCAL!r} only")
    return LocalAgent()
