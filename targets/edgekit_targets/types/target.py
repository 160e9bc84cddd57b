"""What can run on a machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TargetStatus:
    """Whether a target can run here; if not, ``reason`` says why and ``remedy`` is the command that fixes it."""

    name: str
    summary: str
    available: bool
    version: str | None
    reason: str | None
    remedy: str | None
