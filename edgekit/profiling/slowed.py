"""Whether the processor itself was as fast all the time: what no clock and no counter of a virtual machine tells."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from edgekit_targets.types.profile import Slowed

SLOWER = 1.25
"""Clocks that boost by what the moment allows differ by less."""
WORTH_TELLING = 0.1
"""Of the slices."""


def slowed_of(yardsticks: Sequence[float | None]) -> Slowed | None:
    """From what the fixed loop took after each slice, in seconds; its shortest is the processor at its best."""
    told = [seconds for seconds in yardsticks if seconds is not None and seconds > 0.0]
    if not told:
        return None
    best = min(told)
    slower = [seconds / best for seconds in told if seconds >= SLOWER * best]
    return Slowed(share=len(slower) / len(told), times=statistics.median(slower) if slower else 1.0)


def slowed_warnings(slowed: Slowed | None) -> list[str]:
    """One line where it was slower often enough to matter: the figures are then those of a mixture."""
    if slowed is None or slowed.share < WORTH_TELLING:
        return []
    return [
        f"the processor itself was slower in {slowed.share:.0%} of the slices, {slowed.times:.1f} times as slow, by a "
        "fixed loop that runs after each: others share its cores, or its clock changes; the figures are a mixture, and "
        "another hour may tell others"
    ]
