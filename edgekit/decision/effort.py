"""How much more measuring would settle a limit that the interval straddles.

A first estimate, from one run: an interval narrows with the square root of the independent samples, so it must be
taken ``(half-width / distance to the limit) ** 2`` times over. The value itself will move while it is taken.
"""

from __future__ import annotations

from edgekit.statistics.quantiles import samples_needed
from edgekit_targets.types.profile import Measurement
from edgekit_targets.types.verdict import Constraint

MOST = 100.0
"""Beyond this many times as much, the figure is as good as on the limit, and measuring is no remedy."""
_QUANTILES = {"p50": 0.5, "p99": 0.99}
_BY_TIME = ("deadline_miss", "cpu", "energy")


def times_as_much(found: Constraint, measurement: Measurement) -> float | None:
    """How many times as many samples an undecided limit needs.

    None where samples do not settle it: it is not undecided, the range over launches straddles the limit (memory), or
    value and limit are equal.
    """
    latency = measurement.latency
    if latency is None or found.status not in ("undecided", "unmeasured"):
        return None
    least = samples_needed(_QUANTILES[found.name]) if found.name in _QUANTILES else 1
    bounded = max(1.0, least / max(1, latency.effective_samples))
    if found.status == "unmeasured":
        return bounded if found.name in _QUANTILES else None
    if found.value is None or (found.name not in _QUANTILES and found.name not in _BY_TIME):
        return None
    distance = abs(found.limit - found.value)
    # The limit lies between the value and one end; that end has to come this side of it.
    end = found.high if found.limit >= found.value else found.low
    if end is None:
        return bounded if bounded > 1.0 else None
    if not distance:
        return None
    return max(bounded, ((end - found.value) / distance) ** 2)
