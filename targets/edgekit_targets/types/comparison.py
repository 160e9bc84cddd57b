"""What ships now held against the last release, on one machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgekit_targets.types.manifest import Mode, Precision

Movement = Literal["same", "better", "regression", "unmeasured"]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One figure of one file, then and now, in SI units or as a share, with the 95 % intervals.

    ``name`` is a budget key; ``cpu`` is the CPU time of one inference. ``p_value`` is McNemar's where accuracies are
    known in pairs. A ``regression`` is worse by more than both intervals and the stated difference; ``note`` says why a
    figure could not be compared.
    """

    artifact: str
    family: str
    mode: Mode
    precision: Precision | None
    target: str
    name: str
    then: float | None
    then_low: float | None
    then_high: float | None
    now: float | None
    now_low: float | None
    now_high: float | None
    p_value: float | None
    status: Movement
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The last release: its bundle, and for what it shipped and what ships now every figure then and now."""

    bundle: str
    created: str
    device: str
    compared: tuple[Compared, ...]
    notes: tuple[str, ...]

    @property
    def regressions(self) -> tuple[Compared, ...]:
        """What got worse beyond noise."""
        return tuple(one for one in self.compared if one.status == "regression")
