"""The verdict in one plain sentence, and the reasons in a few more. Every number comes from the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgekit.budget.keys import find_key
from edgekit.decision.accuracy import can_tell, validation_difference
from edgekit.decision.figures import Evidence, Figure, preference
from edgekit.decision.judge import margin, nearest
from edgekit.decision.prefer import Ranking, Step
from edgekit.decision.words import (
    candidate_name,
    family_name,
    form_name,
    metric_name,
    options_name,
    pace_name,
    precision_name,
    target_name,
)
from edgekit.terminal.format import Formatter, count, figure, formatter_for, interval, limit, number, percent, seconds
from edgekit_targets.types.manifest import REFERENCE_PAIR
from edgekit_targets.types.verdict import Candidate, Choices, Constraint, Limit, Outcome

Judged = tuple[Evidence, Candidate]
Beaten = tuple[Evidence, Evidence]
"""One that cannot win, and the one that fits and is preferred to it for sure."""


def ship(ranking: Ranking, judged: Sequence[Judged], pair: Ranking | None, beaten: Sequence[Beaten] = ()) -> str:
    """What to ship, how far inside its limits it is, and why the best of every other model lost.

    ``pair`` is the ranking among the LSTM and the Transformer alone: where a baseline is picked, the question that was
    asked still gets its answer. ``beaten`` are those that cannot win, whatever becomes of their open limits.
    """
    winner = ranking.winner
    pace = pace_name(winner.measurement.every_seconds)
    verdict = next(candidate for one, candidate in judged if one is winner)
    text = (
        f"Ship the {candidate_name(winner)} with {options_name(winner.measurement)}{pace and f', {pace}'}: "
        f"{'; '.join(within(found) for found in tightest_first(verdict))}."
    )
    # Families are compared in the mode of what is shipped: a step and a window are not the same work.
    rivals = [item for item in judged if item[0].artifact.mode == winner.artifact.mode]
    others = [_other(family, ranking, rivals, beaten) for family in _other_families(winner, rivals)]
    if pair is not None and pair.winner is not winner and winner.artifact.family not in REFERENCE_PAIR:
        others.append(f"Between the LSTM and the Transformer it would be the {candidate_name(pair.winner)}.")
    return " ".join([text, *others])


def nothing_fits(judged: Sequence[Judged], budget: str) -> str:
    """That nothing fits, and the nearest candidate with the limit it breaks most."""
    closest = nearest(judged)
    if not closest:
        return f"Nothing fits {budget}: no candidate could be measured."
    one, candidate = closest[0]
    broken = [found for found in tightest_first(candidate) if found.status != "pass"]
    return f"Nothing fits {budget}. Nearest: {candidate_name(one)}: {'; '.join(map(breaking, broken))}."


def undecided(judged: Sequence[Judged], budget: str) -> str:
    """That the evidence does not settle it, and what the nearest of those that may yet fit lacks."""
    may = [item for item in nearest(judged) if item[1].status != "fail"]
    if not may:
        return f"Undecided for {budget}: what may yet fit has no valid measurement; see the warnings of the profile."
    one, candidate = may[0]
    lacking = [found for found in tightest_first(candidate) if found.status != "pass"]
    return f"Undecided for {budget}. Nearest: {candidate_name(one)}: {'; '.join(map(breaking, lacking))}."


def step_reason(step: Step) -> str:
    """One step of the preference order: the best, the stated difference and how many were kept."""
    metric = step.metric
    best = preference(metric.name, step.best)
    if metric.difference == 0.0:
        room = "equal to it"
    elif metric.absolute:
        room = f"within {metric.difference * 100:g} point{'s' if metric.difference > 0.01 else ''}"
    else:
        room = f"within {metric.difference * 100:g} % of it"
    split = f" on {best.samples} validation samples" if best.samples else ""
    own = figure(metric.name, best.value, best.low, best.high)
    if metric.name == "cpu":
        own = interval(best.value, best.low, best.high, seconds)
    noise = ", or intervals overlap" if metric.by_interval else ""
    if metric.name == "cpu":
        noise = ", or not told apart in the rounds they shared"
    if metric.name == "accuracy":
        noise = ", or no more apart than chance makes on the same samples"
    return (
        f"{metric_name(metric.name)}: best is {candidate_name(step.best)} with {own}{split}; "
        f"{len(step.kept)} of {len(step.figures)} kept ({room}{noise})"
    )


def mode_reasons(choices: Choices, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Whether windows and streams have different answers, where there are candidates of both.

    Args:
        choices: the pick of each mode.
        outcomes: the outcome of each mode that has candidates.
    """
    window, stream = choices.window, choices.stream
    if len(outcomes) < 2 or (window is None and stream is None):
        return []
    if window is None or stream is None:
        mode, other = ("window", "as windows") if window is None else ("stream", "as a stream")
        what = "nothing fits" if outcomes[mode] == "nothing-fits" else "it is undecided"
        return [f"the answer depends on the mode: {other} {what}"]
    if window.family != stream.family:
        return [
            f"the answer depends on the mode: as windows the {family_name(window.family)}, "
            f"as a stream the {family_name(stream.family)}"
        ]
    if (window.precision, window.target) != (stream.precision, stream.target):
        first, second = (f"{precision_name(one.precision)} on {target_name(one.target)}" for one in (window, stream))
        return [f"the file depends on the mode: as windows {first}, as a stream {second}"]
    return []


def small_sample_note(ranking: Ranking) -> str | None:
    """Say so when the validation split is too small for the stated difference to mean anything."""
    for step in ranking.steps:
        best = preference(step.metric.name, step.best)
        if step.metric.name == "accuracy" and best.samples and best.samples * step.metric.difference < 5:
            one = 1.0 / best.samples
            return (
                f"the validation split has {count(best.samples)} samples, so one answer is {percent(one)}: differences "
                "of a few points between candidates are within its noise"
            )
    return None


def within(found: Constraint) -> str:
    """``p99 412 us of 20 ms``, ``accuracy 97.6 % where 90 % is asked``."""
    return f"{found.name} {formatter_for(found.name)(found.value)} {_against(found)}"


def breaking(found: Constraint) -> str:
    """``memory 45.1 MiB [44.9, 45.2] of 32 MiB: fail``, with the note where there is one."""
    value = figure(found.name, found.value, found.low, found.high)
    note = f" ({found.note})" if found.note else ""
    return f"{found.name} {value} {_against(found)}: {found.status}{note}"


def _against(found: Constraint) -> str:
    text = limit(found.name, found.limit)
    return f"where {text} is asked" if _is_lower(found) else f"of {text}"


def tightest_first(candidate: Candidate) -> list[Constraint]:
    """The limits in order of the room they leave; unmeasured ones first."""
    return sorted(candidate.constraints, key=lambda found: -1e9 if found.value is None else _room(found))


def _room(found: Constraint) -> float:
    return margin(Limit(name=found.name, value=found.limit, upper=not _is_lower(found)), found.value or 0.0)


def _is_lower(found: Constraint) -> bool:
    key = find_key(found.name)
    return key is not None and not key.upper


def _formatter(metric: str) -> Formatter:
    return seconds if metric == "cpu" else formatter_for(metric)


def _other_families(winner: Evidence, judged: Sequence[Judged]) -> list[str]:
    """The pair's other half first; baselines are only named where one of the pair would not be."""
    families = dict.fromkeys(one.artifact.family for one, _ in judged)
    families.pop(winner.artifact.family)
    pair = [family for family in families if family in REFERENCE_PAIR]
    return pair or list(families)


def _other(family: str, ranking: Ranking, judged: Sequence[Judged], beaten: Sequence[Beaten]) -> str:
    """Why the best candidate of another model is not the one to ship."""
    name = family_name(family)
    own = [item for item in judged if item[0].artifact.family == family]
    fitting = [item for item in own if item[1].status == "pass" and item[1].valid]
    if not fitting:
        closest = nearest(own)
        if not closest:
            return f"The {name} has no valid measurement; its warnings say why."
        one, candidate = closest[0]
        broken = [found for found in tightest_first(candidate) if found.status != "pass"]
        where = f"{form_name(one.artifact)} on {target_name(one.measurement.target)}"
        if candidate.status != "fail":
            winners = [
                _winner_over(each, beaten) for each, own_one in own if own_one.valid and own_one.status != "fail"
            ]
            if winners and all(winner is not None for winner in winners):
                rival = _winner_over(one, beaten)
                assert rival is not None
                still = " and ".join(metric_name(found.name) for found in broken)
                return (
                    f"The {name} cannot win, whatever its {still} ({where} at best): the {candidate_name(rival)} fits "
                    "and is preferred to it for sure."
                )
            return f"The {name} is undecided, at best ({where}): {'; '.join(map(breaking, broken))}."
        failed = " and ".join(needing(found) for found in broken if found.status == "fail")
        return f"The {name} ({where} at best) {_against_winner(one, ranking.winner)}{failed}."
    for step in reversed(ranking.steps):
        mode = ranking.winner.artifact.mode
        here = [
            (one, found) for one, found in step.figures if (one.artifact.family, one.artifact.mode) == (family, mode)
        ]
        if here:
            return _lost_at(name, step, ranking.winner, here)
    return f"The {name} cannot be told apart from it."


def _winner_over(one: Evidence, beaten: Sequence[Beaten]) -> Evidence | None:
    return next((winner for loser, winner in beaten if loser is one), None)


def _against_winner(one: Evidence, winner: Evidence) -> str:
    """``is 3.4 points more accurate but``: on the same validation samples; nothing where accuracy is not known."""
    found = validation_difference(one.artifact, winner.artifact)
    if found is None:
        return ""
    if abs(found.value) < 5e-4:
        return "is as accurate but "
    points = f"{number(abs(found.value) * 100, digits=2)} points"
    noise = "" if can_tell(found) else " (chance makes as much on so few samples)"
    better = found.value > 0
    return f"is {points} {'more' if better else 'less'} accurate{noise} {'but' if better else 'and'} "


def needing(found: Constraint) -> str:
    """``needs 11.0 MiB [10.9, 11.1] of 8 MiB memory``: how a limit is broken, as a sentence's end."""
    value = figure(found.name, found.value, found.low, found.high)
    bound = limit(found.name, found.limit)
    if _is_lower(found):
        return f"has {metric_name(found.name)} {value} where {bound} is asked" + (
            f" ({found.note})" if found.note else ""
        )
    verb = {"time": "takes", "bytes": "needs", "energy": "takes"}.get(_dimension(found.name), "has")
    if found.name == "size":
        return f"is a file of {value}, over the {bound} allowed"
    return f"{verb} {value} of {bound} {metric_name(found.name)}" + (f" ({found.note})" if found.note else "")


def _dimension(name: str) -> str:
    key = find_key(name)
    return "" if key is None else key.dimension


def _lost_at(name: str, step: Step, winner: Evidence, here: Sequence[tuple[Evidence, Figure]]) -> str:
    metric = step.metric
    formatter = _formatter(metric.name)
    if any(one in step.kept for one, _ in here):
        return f"The {name} cannot be told apart from it by what was preferred."
    best_one, best = (max if metric.higher_is_better else min)(here, key=lambda item: item[1].value or 0.0)
    own = preference(metric.name, winner)
    where = f"{form_name(best_one.artifact)} on {target_name(best_one.measurement.target)}"
    label = "validation accuracy" if metric.name == "accuracy" else metric_name(metric.name)
    return (
        f"The {name} fits too, but at best ({where}) its {label} is {formatter(best.value)} "
        f"against {formatter(own.value)}."
    )
