"""Whether a profile can be what edgekit wrote: figures that contradict their own samples were edited by hand.

Only what no version of edgekit would write is refused, so the checks are loose: a quantile must lie where its share of
the raw samples lies, within two samples in a hundred. Nothing here tells a forger who also changes the samples.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path

from edgekit_targets.errors import InputError
from edgekit_targets.types.profile import Latency, Measurement, Profile, disturbed_too_much

_ROOM = 0.02


def check_profile(path: Path, profile: Profile) -> None:
    """Refuse figures that contradict each other.

    Raises:
        InputError: naming the file, the measurement and the figure.
    """
    for one in profile.measurements:
        wrong = next(_contradictions(one), None)
        if wrong is not None:
            raise InputError(
                f"{path}: {one.artifact} on {one.target}: {wrong}; the file was edited by hand: remove it and measure "
                "again with edgekit profile"
            )


def _contradictions(one: Measurement) -> Iterator[str]:
    """What cannot be, in a measurement that edgekit wrote."""
    if one.latency is not None:
        yield from _latency(one.latency)
    if one.paced is not None:
        yield from _latency(one.paced.service)
        yield from _order("deadline_miss", one.paced.deadline_miss_low, one.paced.deadline_miss, None)
    if one.soak is not None:
        for point in one.soak.points:
            yield from _latency(point.latency)
    yield from _order(
        "cpu_seconds_per_inference",
        one.cpu_low_seconds_per_inference,
        one.cpu_seconds_per_inference,
        one.cpu_high_seconds_per_inference,
    )
    if one.memory is not None:
        yield from _order("memory", one.memory_low_bytes, one.memory.added_bytes, one.memory_high_bytes)
        if one.memory.baseline_bytes < 0:
            yield "memory is negative"
    if one.parity is not None and one.parity.passed and not one.parity.max_abs_error <= one.parity.tolerance:
        yield "parity is said to pass, but its error is beyond its tolerance"
    if one.valid:
        if one.latency is None:
            yield "it is said to be valid, but holds no latency"
        if one.parity is not None and not one.parity.passed:
            yield "it is said to be valid, but its parity failed"
        if disturbed_too_much(one.disturbed):
            yield "it is said to be valid, but was disturbed for most of its time"


def _latency(latency: Latency) -> Iterator[str]:
    import numpy as np

    slices = [np.asarray(part, dtype=np.float64) for part in latency.raw_seconds]
    raw = np.sort(np.concatenate(slices)) if slices else np.empty(0)
    if len(raw) != latency.samples:
        yield f"it says {latency.samples} samples and holds {len(raw)}"
    if not len(raw):
        return
    if raw[0] < 0:
        yield "a latency is negative"
    if not math.isclose(latency.mean_seconds, float(raw.mean()), rel_tol=1e-6, abs_tol=1e-12):
        yield "mean_seconds is not the mean of its samples"
    room = max(_ROOM, 2.0 / len(raw))
    for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)):
        value, low, high = (getattr(latency, f"{name}{end}_seconds") for end in ("", "_low", "_high"))
        # An interval that held at many looks need not hold the last value; its own ends are in order all the same.
        yield from _order(f"{name}_seconds", low, None, high)
        if value is not None:
            below = np.searchsorted(raw, value * (1 - 1e-9)) / len(raw)
            up_to = np.searchsorted(raw, value * (1 + 1e-9), side="right") / len(raw)
            if below > q + room or up_to < q - room:
                yield f"{name}_seconds does not agree with its {len(raw)} samples"
    if not 0 < latency.effective_samples <= latency.samples:
        yield "effective_samples is not between 1 and samples"


def _order(name: str, low: float | None, value: float | None, high: float | None) -> Iterator[str]:
    ends = [end for end in (low, value, high) if end is not None]
    if any(end < 0 for end in ends):
        yield f"{name} is negative"
    elif any(left > right * (1 + 1e-9) for left, right in itertools.pairwise(ends)):
        yield f"{name} and its interval are out of order"
