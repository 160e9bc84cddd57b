"""The verdict in one plain sentence, and the reasons in a few more. Every number comes from the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgekit.decision.accuracy import can_tell, validation_difference
from edgekit.decision.figures import Evidence, Figure, preference
from edgekit.decision.judge import SAMPLE_BOUND, nearest, ratio
from edgekit.decision.phrases import losing, missing, tightest_first, within
from edgekit.decision.prefer import Ranking, Step
from edgekit.decision.weigh import fits
from edgekit.decision.words import (
    candidate_name,
    family_name,
    form_name,
    listed,
    metric_name,
    options_name,
    pace_name,
    precision_name,
    target_name,
)
from edgekit.terminal.format import Formatter, count, figure, formatter_for, interval, number, percent, seconds
from edgekit_targets.types.manifest import REFERENCE_PAIR
from edgekit_targets.types.verdict import Candidate, Choices, Constraint, Outcome

Judged = tuple[Evidence, Candidate]
Beaten = tuple[Evidence, Evidence]
"""One that cannot win, and the one that fits and is preferred to it for sure."""


def ship(
    ranking: Ranking,
    judged: Sequence[Judged],
    pair: Ranking | None,
    beaten: Sequence[Beaten] = (),
    hope: Judged | None = None,
) -> str:
    """What to ship, how far inside its limits it is, and why the best of every other model lost.

    ``pair`` is the ranking among the LSTM and the Transformer alone: where a baseline is picked, the question that was
    asked still gets its answer. ``beaten`` are those that cannot win, whatever becomes of their open limits; ``hope``
    is the one that would be preferred if it were sure to fit.
    """
    winner = ranking.winner
    pace = pace_name(winner.measurement.every_seconds)
    verdict = next(candidate for one, candidate in judged if one is winner)
    text = (
        f"Ship the {_setup(winner)}{pace and f', {pace}'}: "
        f"{', '.join(within(found) for found in tightest_first(verdict))}."
    )
    if ranking.tied:
        text += f" It is a tie: nothing that is preferred tells it apart from {_tied(ranking.tied)}."
    # Families are compared in the mode of what is shipped: a step and a window are not the same work.
    rivals = [item for item in judged if item[0].artifact.mode == winner.artifact.mode]
    if hope is not None:
        text += f" {_hoped(*hope)}"
    others = [
        _other(family, ranking, rivals, beaten)
        for family in _other_families(winner, rivals)
        if hope is None or family != hope[0].artifact.family or any(fits(found) for _, found in _of(family, rivals))
    ]
    if pair is not None and pair.winner is not winner and winner.artifact.family not in REFERENCE_PAIR:
        others.append(f"Between the LSTM and the Transformer it would be the {candidate_name(pair.winner)}.")
    return " ".join([text, *others])


def nothing_fits(judged: Sequence[Judged], budget: str) -> str:
    """That nothing fits, and the nearest candidate with the limit it breaks most."""
    closest = nearest(judged)
    if not closest:
        return f"Nothing fits {budget}: no candidate could be measured."
    one, candidate = closest[0]
    broken = _lacking(candidate)
    return f"Nothing fits {budget}. Nearest: {_setup(one)}: {'; '.join(map(missing, broken))}."


def undecided(judged: Sequence[Judged], budget: str) -> str:
    """That the evidence does not settle it, and what the nearest of those that may yet fit lacks."""
    may = [item for item in nearest(judged) if item[1].status != "fail"]
    if not may:
        return f"Undecided for {budget}: what may yet fit has no valid measurement; see the warnings of the profile."
    one, candidate = may[0]
    lacking = _lacking(candidate)
    return f"Undecided for {budget}. Nearest: {_setup(one)}: {'; '.join(map(missing, lacking))}."


def nearest_reason(judged: Sequence[Judged], most: int = 3) -> list[str]:
    """Those that come nearest to fitting, each with its worst ratio to a limit, in one line."""
    told = []
    for one, candidate in nearest(judged)[:most]:
        worst = max((times for found in candidate.constraints if (times := ratio(found)) is not None), default=None)
        if worst is not None:
            how = f"{number(worst)} times a limit" if worst > 1 else "inside every limit, but not surely"
            told.append(f"{_setup(one)} ({how})")
    return [f"nearest: {'; '.join(told)}"] if told else []


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


def _setup(one: Evidence) -> str:
    """``LSTM, int8, on ONNX Runtime with 2 threads``: threads are told, since they alone may differ."""
    return f"{candidate_name(one)} with {options_name(one.measurement)}"


def _tied(others: Sequence[Evidence], most: int = 2) -> str:
    """Those that a tie is with, the first of them by name."""
    named = [f"the {_setup(one)}" for one in others]
    more = [f"{len(named) - most} more"] if len(named) > most else []
    return listed([*named[:most], *more])


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
    own = _of(family, judged)
    if any(fits(found) for _, found in own):
        return _outranked(name, family, ranking)
    closest = nearest(own)
    if not closest:
        return f"The {name} has no valid measurement; its warnings say why."
    one, candidate = closest[0]
    broken = _lacking(candidate)
    named = f"The {name} ({_where(one)} at best)"
    if candidate.status == "fail":
        failed = [found for found in broken if found.status == "fail"]
        # That it answers better is no comfort where it is the answers that fall short.
        lead = "" if failed[0].name in SAMPLE_BOUND else _against_winner(one, ranking.winner)
        return f"{named} {lead}{losing(failed)}."
    winners = [_winner_over(each, beaten) for each, own_one in own if own_one.valid and own_one.status != "fail"]
    rival = _winner_over(one, beaten)
    if rival is not None and all(winner is not None for winner in winners):
        still = listed([metric_name(found.name) for found in broken])
        return f"{named} cannot win, whatever its {still}: the {candidate_name(rival)} is preferred to it for sure."
    return f"{named} is undecided: {'; '.join(map(missing, broken))}."


def _hoped(one: Evidence, candidate: Candidate) -> str:
    """Who would be preferred, and what is not sure about it."""
    return (
        f"Still open: the {_setup(one)} would be preferred if it fits: {'; '.join(map(missing, _lacking(candidate)))}."
    )


def _lacking(candidate: Candidate) -> list[Constraint]:
    """The limits that it does not surely meet, the tightest first."""
    return [found for found in tightest_first(candidate) if found.status != "pass"]


def _outranked(name: str, family: str, ranking: Ranking) -> str:
    mode = ranking.winner.artifact.mode
    for step in reversed(ranking.steps):
        here = [
            (one, found) for one, found in step.figures if (one.artifact.family, one.artifact.mode) == (family, mode)
        ]
        if here:
            return _lost_at(name, step, ranking.winner, here)
    return f"The {name} cannot be told apart from it."


def _of(family: str, judged: Sequence[Judged]) -> list[Judged]:
    return [item for item in judged if item[0].artifact.family == family]


def _where(one: Evidence) -> str:
    return f"{form_name(one.artifact)} on {target_name(one.measurement.target)}"


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


def _lost_at(name: str, step: Step, winner: Evidence, here: Sequence[tuple[Evidence, Figure]]) -> str:
    metric = step.metric
    formatter = _formatter(metric.name)
    if any(one in step.kept for one, _ in here):
        return f"The {name} cannot be told apart from it by what was preferred."
    best_one, best = (max if metric.higher_is_better else min)(here, key=lambda item: item[1].value or 0.0)
    own = preference(metric.name, winner)
    label = "validation accuracy" if metric.name == "accuracy" else metric_name(metric.name)
    return (
        f"The {name} ({_where(best_one)} at best) fits too, but its {label} is {formatter(best.value)} "
        f"against {formatter(own.value)}."
    )
