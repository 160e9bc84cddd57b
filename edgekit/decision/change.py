"""What would change the answer: for every model that does not fit, by how much, where it would, what would settle it.

Only settings that were measured count; nothing is interpolated.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from edgekit.budget.units import format_quantity
from edgekit.decision.figures import Evidence
from edgekit.decision.judge import SAMPLE_BOUND, judge, nearest, ratio
from edgekit.decision.more import BEATEN, HOPELESS, samples_wanted
from edgekit.decision.phrases import missing, too
from edgekit.decision.weigh import Judged, Weighed, fits
from edgekit.decision.words import (
    choice_of,
    family_name,
    form_name,
    listed,
    options_name,
    precision_name,
    target_name,
)
from edgekit_targets.types.manifest import Mode
from edgekit_targets.types.verdict import Candidate, Change, Constraint


def changes(weighed: Weighed, hope: tuple[Evidence, Candidate] | None = None) -> Iterator[Change]:
    """One record for each model and mode without a candidate that fits, and one for who would be preferred if it fits.

    Args:
        weighed: every candidate, held against the budget.
        hope: the one that would be preferred to the choice if it were sure to fit.
    """
    if hope is not None:
        yield _hoped(*hope)
    models = dict.fromkeys((one.artifact.family, one.artifact.mode) for one, _ in weighed.judged)
    for family, mode in models:
        own = [item for item in weighed.judged if (item[0].artifact.family, item[0].artifact.mode) == (family, mode)]
        told = hope is not None and (hope[0].artifact.family, hope[0].artifact.mode) == (family, mode)
        if not told and not any(fits(candidate) for _, candidate in own):
            yield _change(weighed, family, mode, own)


def _hoped(one: Evidence, candidate: Candidate) -> Change:
    """What would settle whether the one that would be preferred fits."""
    more, words = _settling(one, candidate)
    worst = _worst(candidate)
    how = "" if more is None else ": edgekit profile with this budget goes on"
    return Change(
        family=one.artifact.family,
        mode=one.artifact.mode,
        status=candidate.status,
        nearest=choice_of(one),
        limit=worst.name,
        ratio=ratio(worst),
        fits_length=None,
        fits_every_seconds=None,
        more_measuring=more,
        text=f"{_model(one.artifact.family, one.artifact.mode)} ({_how(one)}) would be preferred if it fits: "
        f"{missing(dataclasses.replace(worst, note=None))}; {words}{how}",
    )


def _change(weighed: Weighed, family: str, mode: Mode, own: Judged) -> Change:
    name = _model(family, mode)
    closest = next(iter(nearest(own)), None)
    if closest is None:
        why = next((text for one, _ in own for text in one.measurement.warnings), "no reason was recorded")
        return Change(
            family=family,
            mode=mode,
            status="unmeasured",
            nearest=None,
            limit=None,
            ratio=None,
            fits_length=None,
            fits_every_seconds=None,
            more_measuring=None,
            text=f"{name}: no valid measurement: {why}; take another with edgekit profile",
        )
    one, candidate = closest
    worst = _worst(candidate)
    found_ratio = ratio(worst)
    failed = candidate.status == "fail"
    # What would settle an open limit is told of all of them below.
    told = worst if failed else dataclasses.replace(worst, note=None)
    broken = [found for found in candidate.constraints if found.status == "fail"]
    parts = [f"{name}, at best ({_how(one)}): {missing(told)}{too([found for found in broken if found is not worst])}"]
    length = every = more = None
    if any(found.name in SAMPLE_BOUND for found in broken):
        # Neither threads nor another length mend wrong answers.
        parts.append(f"tried: {listed(_precisions(own))}")
    elif failed:
        length, every = _largest(weighed, family, mode, one), _shortest(weighed, family, mode, one)
        parts += _settings(weighed, family, mode, own, length, every)
    else:
        more, words = _settling(one, candidate)
        parts.append(words)
    return Change(
        family=family,
        mode=mode,
        status=candidate.status,
        nearest=choice_of(one),
        limit=worst.name,
        ratio=found_ratio,
        fits_length=None if length is None else length.measurement.length,
        fits_every_seconds=None if every is None else every.measurement.every_seconds,
        more_measuring=more,
        text="; ".join(part for part in parts if part),
    )


def _worst(candidate: Candidate) -> Constraint:
    return max(
        (found for found in candidate.constraints if found.status != "pass"),
        key=lambda found: (found.status == "fail", ratio(found) or 0.0),
    )


def _model(family: str, mode: Mode) -> str:
    return family_name(family) + (" as a stream" if mode == "stream" else "")


def _how(one: Evidence) -> str:
    return f"{form_name(one.artifact)} on {target_name(one.measurement.target)}, {options_name(one.measurement)}"


def _largest(weighed: Weighed, family: str, mode: Mode, one: Evidence) -> Evidence | None:
    """What fits at the largest length at which the model does, at the pace and batch that were judged."""
    fitting = [
        other
        for other in _elsewhere(weighed, family, mode)
        if other.measurement.every_seconds == one.measurement.every_seconds and _would_fit(weighed, other)
    ]
    return max(fitting, key=lambda other: other.measurement.length, default=None)


def _shortest(weighed: Weighed, family: str, mode: Mode, one: Evidence) -> Evidence | None:
    """What fits at the shortest pace at which the model does, at the length that was judged."""
    fitting = [
        other
        for other in _elsewhere(weighed, family, mode)
        if other.measurement.length == one.measurement.length
        and other.measurement.every_seconds is not None
        and _would_fit(weighed, other)
    ]
    return min(fitting, key=lambda other: other.measurement.every_seconds or 0.0, default=None)


def _elsewhere(weighed: Weighed, family: str, mode: Mode) -> list[Evidence]:
    return [
        one
        for one in weighed.elsewhere
        if (one.artifact.family, one.artifact.mode) == (family, mode) and one.measurement.batch == weighed.batch
    ]


def _would_fit(weighed: Weighed, one: Evidence) -> bool:
    """Accuracy is known at the length of the data alone, so elsewhere it is left out, and the text says so."""
    limits = [limit for limit in weighed.budget.limits if limit.name not in SAMPLE_BOUND]
    return bool(limits) and fits(judge(one, limits))


def _settings(
    weighed: Weighed, family: str, mode: Mode, own: Judged, length: Evidence | None, every: Evidence | None
) -> Iterator[str]:
    """Where it would fit, and what was tried without; what was not measured is said to be so."""
    asks_accuracy = any(limit.name in SAMPLE_BOUND for limit in weighed.budget.limits)
    if length is not None:
        unknown = "; its accuracy there was not measured" if asks_accuracy else ""
        steps = length.measurement.length
        yield f"the largest length measured at which it fits is {steps} ({_how(length)}{unknown})"
    if every is not None and every.measurement.every_seconds is not None:
        pace = format_quantity(every.measurement.every_seconds, "time")
        yield f"the shortest pace measured at which it fits is {pace} ({_how(every)})"
    threads = sorted({one.measurement.threads for one, _ in own})
    yield f"tried: {listed(_precisions(own))}, with {listed(threads)} thread{'s' if threads != [1] else ''}"
    untried = []
    if len(threads) == 1:
        untried.append("other thread counts")
    if mode == "window" and not any(
        one.measurement.length != weighed.length for one in _elsewhere(weighed, family, mode)
    ):
        untried.append("other lengths")
    if untried:
        yield f"not tried: {listed(untried)}"


def _precisions(own: Judged) -> list[str]:
    return list(dict.fromkeys(precision_name(one.artifact.precision) for one, _ in own))


def _settling(one: Evidence, candidate: Candidate) -> tuple[float | None, str]:
    """How much more measuring would settle every open limit of a candidate, and that in words."""
    latency = one.measurement.latency
    times: list[float | None] = []
    words = []
    for found in candidate.constraints:
        if found.status not in ("undecided", "unmeasured"):
            continue
        if found.note == BEATEN:
            return None, f"{BEATEN}: what fits is preferred to it for sure"
        wanted = None if latency is None or found.status == "unmeasured" else samples_wanted(found, latency)
        hopeless = wanted is None or latency is None or found.note in (None, HOPELESS)
        times.append(None if hopeless or wanted is None or latency is None else wanted / latency.samples)
        words.append(_no_remedy(found) if hopeless else f"{found.note} about {found.name}")
    known = [each for each in times if each is not None]
    return max(known) if known and len(known) == len(times) else None, "; ".join(words)


def _no_remedy(found: Constraint) -> str:
    if found.status == "unmeasured":
        return f"{found.name} has to be measured first"
    if found.name in ("memory", "process_memory"):
        return f"{found.name} differs from launch to launch across the limit: more launches will not settle it"
    return f"{found.name}: {HOPELESS}; another limit or file is the remedy"
