"""The p99 of what was trained, as files on the device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.profiling.pace import Pace
from edgekit.rounds.context import Context
from edgekit_targets.types.manifest import Mode
from edgekit_targets.types.profile import Latency, Measurement

CLOSED = Pace(window=None, stream=None)
"""A closed loop for both modes, so that their times are of one kind."""


def measure(context: Context, bundle: Path) -> Sequence[Measurement]:
    """Every artifact of ``bundle`` at the data's own length and batch 1, one thread, in a closed loop."""
    return context.profile(bundle, targets=context.effort.targets, pace=CLOSED).measurements


def best(measurements: Sequence[Measurement], family: str, mode: Mode) -> Measurement | None:
    """The family's fastest way to run in ``mode`` by p99, of valid figures; None where there is none."""
    found = [
        (p99, one)
        for one in measurements
        if one.family == family and one.mode == mode and one.valid and (p99 := _p99(one.latency)) is not None
    ]
    return min(found, key=lambda item: item[0])[1] if found else None


def p99_of(measurements: Sequence[Measurement], family: str, mode: Mode) -> float | None:
    """Its p99 in seconds."""
    one = best(measurements, family, mode)
    return None if one is None else _p99(one.latency)


def _p99(latency: Latency | None) -> float | None:
    return None if latency is None else latency.p99_seconds
