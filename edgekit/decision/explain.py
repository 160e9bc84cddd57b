"""One candidate's whole story: its limits, where its figures come from, its checks, and why it won or lost."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgekit.decision.figures import Evidence, Figure, preference
from edgekit.decision.phrases import breaking
from edgekit.decision.prefer import Ranking, rank
from edgekit.decision.weigh import Weighed, fits
from edgekit.decision.words import candidate_name, metric_name
from edgekit.profiling.store import key_of
from edgekit.terminal.format import figure, interval, seconds
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.types.manifest import Accuracy, Keep, Parity, Quantized
from edgekit_targets.types.profile import DeviceParity
from edgekit_targets.types.verdict import Candidate, Outcome

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Place:
    """One step of the preference order: the figure in SI units, its place among those still there, if it was kept."""

    metric: str
    value: float | None
    low: float | None
    high: float | None
    place: int | None
    of: int
    kept: bool


@dataclass(frozen=True, kw_only=True)
class Story:
    """One candidate. ``profile`` is the file of the bundle that its figures stand in."""

    candidate: Candidate
    picked: bool
    outcome: str
    profile: str
    device: str
    hardware: str
    measured: str
    runtime_version: str | None
    samples: int | None
    effective_samples: int | None
    disturbed: float | None
    warnings: tuple[str, ...]
    device_parity: DeviceParity | None
    places: tuple[Place, ...]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """All candidates made of one artifact, with what was known of it before it was measured."""

    schema_version: int
    artifact: str
    file: str
    sha256: str
    size_bytes: int
    verdict: Outcome
    accuracy: Accuracy | None
    accuracy_validation: Accuracy | None
    parity: Parity | None
    quantized: dict[str, Quantized] | None
    keep: Keep | None
    notes: tuple[str, ...]
    stories: tuple[Story, ...]


def explain(weighed: Weighed, artifact: str, prefer: Sequence[str], verdict: Outcome) -> Explanation:
    """Tell of every candidate made of the artifact of this id.

    Raises:
        InputError: the bundle has no such artifact, or it does not compete.
        Undecided: it was not measured at what is judged.
    """
    known = {one.id: one for one in weighed.manifest.artifacts}
    if artifact not in known:
        near = difflib.get_close_matches(artifact, known, n=3, cutoff=0.4)
        raise InputError(
            f"--explain {artifact!r}: the bundle has no such artifact; "
            + (f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known)}")
        )
    one = known[artifact]
    if one.variant != "plain":
        raise InputError(f"--explain {artifact}: it is there to be looked into and does not compete")
    own = [item for item in weighed.judged if item[0].artifact.id == artifact]
    if not own:
        raise Undecided(
            f"{artifact} was not measured at batch {weighed.batch}, length {weighed.length} and that pace; measure it "
            "with edgekit profile"
        )
    ranking = rank(weighed.fitting, prefer) if weighed.fitting else None
    return Explanation(
        schema_version=SCHEMA_VERSION,
        artifact=one.id,
        file=one.file,
        sha256=one.sha256,
        size_bytes=one.size_bytes,
        verdict=verdict,
        accuracy=one.accuracy,
        accuracy_validation=one.accuracy_validation,
        parity=one.parity,
        quantized=one.quantized,
        keep=one.keep,
        notes=one.notes,
        stories=tuple(_story(weighed, ranking, evidence, candidate) for evidence, candidate in own),
    )


def _story(weighed: Weighed, ranking: Ranking | None, one: Evidence, candidate: Candidate) -> Story:
    measurement = one.measurement
    path, profile = next(
        (path, profile)
        for path, profile in reversed(weighed.profiles)
        if any(key_of(each) == key_of(measurement) for each in profile.measurements)
    )
    latency = measurement.latency
    return Story(
        candidate=candidate,
        picked=ranking is not None and ranking.winner is one,
        outcome=_outcome(ranking, one, candidate),
        profile=f"{path.parent.name}/{path.name}",
        device=profile.device.name,
        hardware=profile.device.hardware,
        measured=measurement.created,
        runtime_version=measurement.runtime_version,
        samples=None if latency is None else latency.samples,
        effective_samples=None if latency is None else latency.effective_samples,
        disturbed=measurement.disturbed,
        warnings=measurement.warnings,
        device_parity=measurement.parity,
        places=tuple(_places(ranking, one)) if ranking is not None else (),
    )


def _places(ranking: Ranking, one: Evidence) -> Iterator[Place]:
    """Its place in every step that it still took part in."""
    for step in ranking.steps:
        found = next((fig for each, fig in step.figures if each is one), None)
        if found is None:
            return
        better = -1.0 if step.metric.higher_is_better else 1.0
        values = sorted(better * fig.value for _, fig in step.figures if fig.value is not None)
        place = None if found.value is None else 1 + values.index(better * found.value)
        yield Place(
            metric=step.metric.name,
            value=found.value,
            low=found.low,
            high=found.high,
            place=place,
            of=len(step.figures),
            kept=any(each is one for each in step.kept),
        )


def _outcome(ranking: Ranking | None, one: Evidence, candidate: Candidate) -> str:
    """Why it was picked, or what it lost by, in one sentence."""
    if not candidate.valid:
        why = next(iter(one.measurement.warnings), "no reason was recorded")
        return f"Not picked: its measurement is not valid ({why})."
    if not fits(candidate):
        broken = "; ".join(breaking(found) for found in candidate.constraints if found.status != "pass")
        return f"Not picked: {broken}."
    assert ranking is not None, "one that fits makes a ranking"
    if ranking.winner is one:
        tied = ", ".join(map(candidate_name, ranking.tied))
        last = f"; nothing that was preferred tells it apart from {tied}" if tied else ""
        decided = metric_name(ranking.steps[-1].metric.name) if ranking.steps else ""
        return f"Picked: it meets every limit{f', and {decided} decided' if decided and not tied else ''}{last}."
    for step in ranking.steps:
        found = next((fig for each, fig in step.figures if each is one), None)
        if found is not None and not any(each is one for each in step.kept):
            name = step.metric.name
            best = _told(name, preference(name, step.best))
            return (
                f"Not picked: it meets every limit, but lost by {metric_name(name)}: {_told(name, found)} against "
                f"{best} of {candidate_name(step.best)}."
            )
    return f"A tie: nothing that was preferred tells it apart from the choice, {candidate_name(ranking.winner)}."


def _told(name: str, found: Figure) -> str:
    if name == "cpu":
        return interval(found.value, found.low, found.high, seconds)
    return figure(name, found.value, found.low, found.high)
