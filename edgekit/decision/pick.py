"""``pick``: from a bundle with evidence and a budget to a verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from edgekit.budget.budget import Budget
from edgekit.decision import sentence
from edgekit.decision.change import changes
from edgekit.decision.contender import contender
from edgekit.decision.figures import Evidence
from edgekit.decision.judge import TIMED
from edgekit.decision.more import beaten_note
from edgekit.decision.pareto import pareto
from edgekit.decision.prefer import DEFAULT, Ranking, rank
from edgekit.decision.race import beaten
from edgekit.decision.weigh import Judged, Weighed, fits, weigh
from edgekit.decision.words import choice_of
from edgekit.documents import now
from edgekit.profiling.pace import Pace
from edgekit_targets import __version__
from edgekit_targets.types.manifest import MODES, REFERENCE_PAIR, Mode
from edgekit_targets.types.profile import disturbed_too_much
from edgekit_targets.types.verdict import SCHEMA_VERSION, Candidate, Choice, Choices, Outcome, Verdict


def pick(
    bundle: Path,
    budget: Budget,
    *,
    device: str | None = None,
    prefer: Sequence[str] = DEFAULT,
    batch: int = 1,
    length: int | None = None,
    modes: Sequence[Mode] = MODES,
    every: Pace | None = None,
    soaked: bool = False,
) -> Verdict:
    """Hold every candidate of the bundle against the budget and choose among those that fit.

    Args:
        bundle: folder with a manifest and at least one profile.
        budget: the limits.
        device: judge only what was measured on the device of this name.
        prefer: metrics in the order in which they decide among those that fit.
        batch: sequences per inference to judge at.
        length: steps per window to judge at; by default the data's own, without data the only one measured. A stream
            is judged by its single steps, whatever the length.
        modes: judge only candidates of these.
        every: the pace to judge at; by default a closed loop for windows, the pace measured for streams.
        soaked: judge the latency at the end of a soak; a candidate that was not soaked is unmeasured.

    Raises:
        InputError: no bundle, profiles of several machines, or nothing measured at that batch, length and pace.
        Undecided: nothing was measured yet.
    """
    weighed = weigh(bundle, budget, device=device, batch=batch, length=length, modes=modes, every=every, soaked=soaked)
    return conclude(weighed, prefer)


def conclude(weighed: Weighed, prefer: Sequence[str] = DEFAULT) -> Verdict:
    """Choose among the candidates that fit, and say why."""
    fitting, budget = weighed.fitting, weighed.budget
    ranking = rank(fitting, prefer) if fitting else None
    lost = beaten(weighed.judged, budget.limits, prefer)
    losers = [loser for loser, _ in lost]
    weighed = dataclasses.replace(
        weighed,
        judged=[
            (one, beaten_note(candidate) if any(one is loser for loser in losers) else candidate)
            for one, candidate in weighed.judged
        ],
    )
    judged = weighed.judged
    evidence = [one for one, _ in judged]
    hope = contender(judged, ranking, prefer) if ranking is not None else None
    outcome = _outcome(judged, picked=ranking is not None)
    choices = Choices(window=_of_mode(fitting, prefer, "window"), stream=_of_mode(fitting, prefer, "stream"))
    outcomes = {
        mode: _outcome(own, picked=choice is not None)
        for mode, choice in (("window", choices.window), ("stream", choices.stream))
        if (own := [item for item in judged if item[0].artifact.mode == mode])
    }
    of_modes = sentence.mode_reasons(choices, outcomes)
    return Verdict(
        schema_version=SCHEMA_VERSION,
        edgekit_version=__version__,
        created=now(),
        verdict=outcome,
        tie=ranking is not None and bool(ranking.tied),
        choice=choice_of(ranking.winner) if ranking else None,
        choices=choices,
        candidates=tuple(candidate for _, candidate in judged),
        pareto=tuple(
            choice_of(one)
            for mode in MODES
            for one in pareto([each for each in evidence if each.artifact.mode == mode])
        ),
        reasons=(*_reasons(judged, ranking, outcome), *weighed.notes),
        sentence=" ".join([_sentence(weighed, outcome, ranking, prefer, lost, hope), *map(_whole, of_modes)]),
        budget=budget.name,
        limits=budget.limits,
        prefer=tuple(prefer),
        device=weighed.profiles[-1][1].device.name,
        batch=weighed.batch,
        length=weighed.length,
        evidence=tuple(f"{path.parent.name}/{path.name}" for path, _ in weighed.profiles),
        changes=tuple(changes(weighed, hope)),
    )


def _outcome(judged: Judged, *, picked: bool) -> Outcome:
    """Nothing fits when every candidate that could be measured provably fails; else more measuring could tell."""
    if picked:
        return "pick"
    valid = [candidate for _, candidate in judged if candidate.valid]
    fail = valid and all(candidate.status == "fail" for candidate in valid)
    return "nothing-fits" if fail and not any(_may_yet_fit(*item) for item in judged) else "undecided"


def _may_yet_fit(one: Evidence, candidate: Candidate) -> bool:
    """Whether it was only disturbed: what it takes in time is not known then, what it takes otherwise is.

    A disturbance only adds to a latency, so where not even the fastest sample met the limit none will.
    """
    if not disturbed_too_much(one.measurement.disturbed):
        return False
    latency = one.measurement.latency
    fastest = min((second for part in latency.raw_seconds for second in part), default=0.0) if latency else 0.0
    for found in candidate.constraints:
        timed = found.name in TIMED and not (found.name in ("p50", "p99") and fastest > found.limit)
        if found.status == "fail" and not timed:
            return False
    return True


def _whole(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:]}."


def _of_mode(fitting: Sequence[Evidence], prefer: Sequence[str], mode: Mode) -> Choice | None:
    own = [one for one in fitting if one.artifact.mode == mode]
    return choice_of(rank(own, prefer).winner) if own else None


def _sentence(
    weighed: Weighed,
    outcome: Outcome,
    ranking: Ranking | None,
    prefer: Sequence[str],
    lost: Sequence[sentence.Beaten],
    hope: sentence.Judged | None,
) -> str:
    judged, budget = weighed.judged, weighed.budget
    if ranking is not None:
        pair = [one for one, found in judged if one.artifact.family in REFERENCE_PAIR and fits(found)]
        return sentence.ship(ranking, judged, rank(pair, prefer) if pair else None, lost, hope)
    return (sentence.nothing_fits if outcome == "nothing-fits" else sentence.undecided)(judged, budget.name)


def _reasons(judged: Judged, ranking: Ranking | None, outcome: Outcome) -> list[str]:
    counts = {
        word: sum(candidate.status == word for _, candidate in judged)
        for word in ("pass", "fail", "undecided", "unmeasured")
    }
    reasons = [
        f"{len(judged)} candidates: " + ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    ]
    invalid = sum(not candidate.valid for _, candidate in judged)
    if invalid:
        reasons.append(f"{invalid} of the measurements are invalid and cannot be picked")
    if ranking is None:
        return reasons + (sentence.nearest_reason(judged) if outcome == "nothing-fits" else [])
    reasons += [sentence.step_reason(step) for step in ranking.steps]
    note = sentence.small_sample_note(ranking)
    return [*reasons, note] if note else reasons
