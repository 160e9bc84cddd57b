"""What it would take to settle a limit that the evidence leaves open."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from edgekit.budget.budget import Budget
from edgekit.decision.figures import evidence_of
from edgekit.decision.judge import judge
from edgekit.decision.words import candidate_name
from edgekit.profiling.latency import samples_of
from edgekit.statistics.quantiles import samples_to_decide
from edgekit.terminal.format import count, seconds
from edgekit_targets.types.manifest import Manifest
from edgekit_targets.types.profile import Latency, Measurement
from edgekit_targets.types.verdict import Candidate, Constraint

_QUANTILES = {"p50": 0.5, "p99": 0.99}
_LONGEST_SECONDS = 3600.0
HOPELESS = "too near the limit for an hour of measuring to tell"
BEATEN = "cannot win, whatever this is"


def explained(candidate: Candidate, measurement: Measurement) -> Candidate:
    """The candidate with a note on every undecided limit; as it is where no more measuring of it would help.

    What breaks another limit, or cannot be picked because its measurement is not valid, stays out whatever is added.
    """
    if candidate.status == "fail" or not candidate.valid:
        return candidate
    return dataclasses.replace(
        candidate, constraints=tuple(_explained(found, measurement) for found in candidate.constraints)
    )


def beaten_note(candidate: Candidate) -> Candidate:
    """The candidate with its open limits said not to matter: one that fits is preferred to it for sure."""
    if candidate.status == "fail" or not candidate.valid:
        return candidate
    return dataclasses.replace(
        candidate,
        constraints=tuple(
            dataclasses.replace(found, note=BEATEN) if found.status == "undecided" else found
            for found in candidate.constraints
        ),
    )


def _explained(found: Constraint, measurement: Measurement) -> Constraint:
    latency = measurement.latency
    if found.status != "undecided" or found.note is not None or latency is None:
        return found
    wanted = samples_wanted(found, latency)
    if wanted is None and found.name not in (*_QUANTILES, "deadline_miss", "cpu"):
        return found
    return dataclasses.replace(found, note=_text(wanted, latency, measurement.every_seconds))


def samples_wanted(found: Constraint, latency: Latency) -> float | None:
    """Samples in all to settle a limit; None where no number to speak of would, or more are not what it lacks."""
    if found.name in _QUANTILES:
        return samples_to_decide(samples_of(latency), _QUANTILES[found.name], found.limit)
    if found.name not in ("deadline_miss", "cpu") or found.value is None or found.value == found.limit:
        return None
    # An interval narrows with the square root of the samples.
    end = found.high if found.limit > found.value else found.low
    if end is None:
        return None
    return latency.samples * max(1.0, ((end - found.value) / (found.limit - found.value)) ** 2)


def _text(wanted: float | None, latency: Latency, every_seconds: float | None) -> str:
    """In launches: samples of one launch are so alike that more of them would tell little.

    What a launch costs beside its inferences was not measured, so a time is only told where those take long.
    """
    each = every_seconds if every_seconds is not None else latency.mean_seconds
    of_one = latency.samples / latency.launches
    more = math.inf if wanted is None else max(wanted - latency.samples, of_one)
    if more * each > _LONGEST_SECONDS:
        return HOPELESS
    launches = _rounded_up(more / of_one)
    took = launches * of_one * each
    time = f" ({seconds(took)} or more)" if took >= 1.0 else ""
    return f"about {count(launches)} more launch{'' if launches == 1 else 'es'}{time} would tell"


def _rounded_up(value: float) -> int:
    """To one digit, which is all that an estimate is worth."""
    digit: int = 10 ** max(0, math.floor(math.log10(value)))
    return math.ceil(value / digit - 1e-9) * digit


def undecided_lines(manifest: Manifest, measurements: Sequence[Measurement], budget: Budget) -> list[str]:
    """Where no candidate is sure to fit, a line for each that still may; nothing where one does, or none can."""
    judged = [(one, judge(one, budget.limits)) for one in evidence_of(manifest, measurements)]
    judged = [(one, explained(candidate, one.measurement)) for one, candidate in judged if candidate.valid]
    if any(candidate.status == "pass" for _, candidate in judged):
        return []
    return [
        f"undecided: {candidate_name(one)}: "
        + "; ".join(
            f"{found.name} ({found.note or found.status})" for found in candidate.constraints if found.status != "pass"
        )
        for one, candidate in judged
        if candidate.status in ("undecided", "unmeasured")
    ]
