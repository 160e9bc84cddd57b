"""``pick``: from a bundle with evidence and a budget to a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.budget.budget import Budget
from edgekit.decision import sentence
from edgekit.decision.figures import Evidence, evidence_of, soaked_figures
from edgekit.decision.judge import judge
from edgekit.decision.more import explained
from edgekit.decision.pareto import pareto
from edgekit.decision.prefer import DEFAULT, Ranking, rank
from edgekit.decision.words import candidate_name
from edgekit.documents import now
from edgekit.profiling.pace import Pace, choose_pace
from edgekit.profiling.plan import STEP, length_for
from edgekit.profiling.store import newest, one_device, read_profiles
from edgekit_targets import __version__
from edgekit_targets.bundle import read_manifest
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.types.manifest import MODES, REFERENCE_PAIR, Manifest, Mode
from edgekit_targets.types.profile import Measurement
from edgekit_targets.types.verdict import SCHEMA_VERSION, Candidate, Choice, Choices, Outcome, Verdict

Judged = list[tuple[Evidence, Candidate]]


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
    manifest = read_manifest(bundle)
    profiles = read_profiles(bundle, device)
    if not profiles:
        place = f" on {device}" if device else ""
        raise Undecided(f"{bundle} holds no measurement{place}; take some with: edgekit profile {bundle}")
    one_device(profiles)
    measurements = newest([profile for _, profile in profiles], manifest)
    length = length if length is not None else _own_length(manifest, measurements)
    at_shape = [one for one in measurements if (one.batch, one.length) == (batch, length_for(one.mode, length))]
    paces = {mode: choose_pace(at_shape, mode, every) for mode in modes}
    asked = [one for one in at_shape if one.mode in paces and one.every_seconds == paces[one.mode]]
    evidence = evidence_of(manifest, list(map(soaked_figures, asked)) if soaked else asked)
    if not evidence:
        raise InputError(
            f"nothing was measured at --batch {batch} and --length {length} in that mode and pace; profile it so"
        )
    judged: Judged = [(one, explained(judge(one, budget.limits), one.measurement)) for one in evidence]
    fitting = [one for one, candidate in judged if _fits(candidate)]
    ranking = rank(fitting, prefer) if fitting else None
    outcome = _outcome(judged, ranking)
    choices = Choices(window=_of_mode(fitting, prefer, "window"), stream=_of_mode(fitting, prefer, "stream"))
    return Verdict(
        schema_version=SCHEMA_VERSION,
        edgekit_version=__version__,
        created=now(),
        verdict=outcome,
        tie=ranking is not None and bool(ranking.tied),
        choice=_choice(ranking.winner) if ranking else None,
        choices=choices,
        candidates=tuple(candidate for _, candidate in judged),
        pareto=tuple(
            _choice(one) for mode in MODES for one in pareto([each for each in evidence if each.artifact.mode == mode])
        ),
        reasons=(*_reasons(judged, ranking), *sentence.mode_reasons(choices)),
        sentence=_sentence(outcome, judged, ranking, budget, prefer),
        budget=budget.name,
        limits=budget.limits,
        prefer=tuple(prefer),
        device=profiles[-1][1].device.name,
        batch=batch,
        length=length,
        evidence=tuple(path.relative_to(bundle).as_posix() for path, _ in profiles),
    )


def _own_length(manifest: Manifest, measurements: Sequence[Measurement]) -> int:
    if manifest.data is not None:
        return manifest.data.length
    lengths = sorted({measurement.length for measurement in measurements if measurement.mode == "window"}) or [STEP]
    if len(lengths) == 1:
        return lengths[0]
    raise InputError(f"lengths {', '.join(map(str, lengths))} were measured; say which with --length")


def _outcome(judged: Judged, ranking: Ranking | None) -> Outcome:
    """Nothing fits when every candidate that could be measured provably fails; else more measuring could tell."""
    if ranking is not None:
        return "pick"
    valid = [candidate for _, candidate in judged if candidate.valid]
    return "nothing-fits" if valid and all(candidate.status == "fail" for candidate in valid) else "undecided"


def _of_mode(fitting: Sequence[Evidence], prefer: Sequence[str], mode: Mode) -> Choice | None:
    own = [one for one in fitting if one.artifact.mode == mode]
    return _choice(rank(own, prefer).winner) if own else None


def _fits(candidate: Candidate) -> bool:
    return candidate.status == "pass" and candidate.valid


def _sentence(outcome: Outcome, judged: Judged, ranking: Ranking | None, budget: Budget, prefer: Sequence[str]) -> str:
    if ranking is not None:
        pair = [one for one, found in judged if one.artifact.family in REFERENCE_PAIR and _fits(found)]
        return sentence.ship(ranking, judged, rank(pair, prefer) if pair else None)
    return (sentence.nothing_fits if outcome == "nothing-fits" else sentence.undecided)(judged, budget.name)


def _reasons(judged: Judged, ranking: Ranking | None) -> list[str]:
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
        return reasons + [
            f"{candidate.artifact} on {candidate.target}: "
            + "; ".join(sentence.breaking(found) for found in candidate.constraints if found.status != "pass")
            for _, candidate in sentence.nearest_first(judged)[:3]
        ]
    reasons += [sentence.step_reason(step) for step in ranking.steps]
    if ranking.tied:
        tied = "; ".join(candidate_name(one) for one in ranking.tied)
        reasons.append(f"a tie: nothing that was preferred tells the choice apart from {tied}")
    note = sentence.small_sample_note(ranking)
    return [*reasons, note] if note else reasons


def _choice(one: Evidence) -> Choice:
    return Choice(
        artifact=one.artifact.id,
        family=one.artifact.family,
        mode=one.artifact.mode,
        precision=one.artifact.precision,
        target=one.measurement.target,
        threads=one.measurement.threads,
        spinning=one.measurement.spinning,
        arena=one.measurement.arena,
        every_seconds=one.measurement.every_seconds,
    )
