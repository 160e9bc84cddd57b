"""What a controller sees of an agent, however it is reached (a subprocess here, ssh there, or scripted in a test)."""

from __future__ import annotations

from typing import Protocol

from edgekit_targets.agent.protocol import (
    Enforce,
    Evaluate,
    Evaluated,
    Idle,
    Idled,
    Open,
    Opened,
    Ran,
    Run,
    Welcome,
)
from edgekit_targets.types.profile import Enforced


class Agent(Protocol):
    """One agent on one device; a context manager at the implementations.

    Every method raises the :class:`~edgekit_targets.errors.EdgekitError` that the agent's ``failed`` reply names, and
    :class:`~edgekit_targets.errors.AgentFailed` when the agent or a worker died.
    """

    def hello(self, *, exclusive: bool = False) -> Welcome:
        """The machine's facts and targets; called first. With ``exclusive`` nobody else may measure meanwhile."""

    def open(self, request: Open) -> Opened:
        """Load one model in a fresh process."""

    def run(self, request: Run) -> Ran:
        """Time one slice."""

    def evaluate(self, request: Evaluate) -> Evaluated:
        """Compute outputs for many samples."""

    def idle(self, request: Idle) -> Idled:
        """Tell the energy of doing nothing."""

    def enforce(self, request: Enforce) -> Enforced:
        """Run one model inside a memory limit, in a process of its own that is gone afterwards."""

    def close(self, handle: str) -> None:
        """End one worker; closing an unknown handle is no error."""
