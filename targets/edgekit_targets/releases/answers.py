"""What the device's commands answer that change what is current or what is there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RolledBack:
    """``changed`` is false where the release that was to be left was not current."""

    name: str
    current: str | None
    previous: str | None
    changed: bool


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """Releases by their names."""

    name: str
    removed: tuple[str, ...]
    kept: tuple[str, ...]
