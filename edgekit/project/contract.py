"""What ``edgekit.toml`` holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgekit.budget.budget import Budget
from edgekit.devices.address import Address

FILE = "edgekit.toml"


@dataclass(frozen=True, kw_only=True)
class OwnDevice:
    """A machine of the team's: how it is reached, and the entry of the catalogue it is, if it is one.

    What edgekit puts there goes into ``folder``, instead of the home, which may be read-only or mounted ``noexec``.
    """

    name: str
    address: Address
    catalogue: str | None
    folder: str | None = None


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """Values of options that were not given, as they would be written on the command line; null means no default."""

    data: str | None = None
    preset: str | None = None
    device: str | None = None
    target: str | None = None
    threads: str | None = None
    prefer: str | None = None
    budget: str | None = None


@dataclass(frozen=True, kw_only=True)
class Project:
    """One file. ``path`` is null where there is none."""

    path: Path | None = None
    defaults: Defaults = field(default_factory=Defaults)
    devices: dict[str, OwnDevice] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
