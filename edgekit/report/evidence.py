"""What the page shows, joined once: every candidate with its artifact, its measurement and its place in the verdict.

A wrong join is a wrong number, so: a measurement counts only for the artifact with the same hash, at the shape the
verdict judged, and where a candidate was measured more than once the measurement that the verdict rests on is shown,
not a newer one beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgekit.decision.setup import setup_of
from edgekit.decision.words import model_name, pace_name, precision_name, target_name
from edgekit.profiling.plan import length_for
from edgekit.report.text import shorten
from edgekit_targets.types.manifest import MODES, Accuracy, Artifact, Manifest
from edgekit_targets.types.profile import Device, Latency, Measurement, Profile
from edgekit_targets.types.verdict import Candidate, Choice, Limit, Status, Verdict

_LONGEST_NAME = 32
_BEST_FIRST: tuple[Status, ...] = ("pass", "undecided", "unmeasured", "fail")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One candidate. ``number`` is what the figures call it; parts that do not exist are None."""

    number: int
    label: str
    artifact_id: str
    family: str
    mode: str
    target: str
    artifact: Artifact | None
    measurement: Measurement | None
    candidate: Candidate | None
    picked: bool

    @property
    def latency(self) -> Latency | None:
        """The latencies, if they were measured and are valid."""
        return self._valid.latency if self._valid is not None else None

    @property
    def added_bytes(self) -> int | None:
        """What the model adds to the process, in bytes (the budget's ``memory``)."""
        memory = self._valid.memory if self._valid is not None else None
        return None if memory is None else memory.added_bytes

    @property
    def process_bytes(self) -> int | None:
        """The peak of the whole process, in bytes (the budget's ``process_memory``)."""
        memory = self._valid.memory if self._valid is not None else None
        return None if memory is None else memory.peak_bytes

    @property
    def _valid(self) -> Measurement | None:
        return self.measurement if self.measurement is not None and self.measurement.valid else None

    def short(self, longest: int = 34) -> str:
        """The number and the label, cut to what fits into a figure, which is of one mode and names it in its title."""
        label = " ".join(part for part in self.label.split(" · ") if part != self.mode)
        if len(label) > longest:
            label = label.replace("ONNX Runtime", "ONNX RT")
        return f"{self.number}  {shorten(label, longest)}"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything the page is made of. ``device`` is the machine whose figures are shown."""

    rows: tuple[Row, ...]
    device: Device | None
    profiles: tuple[Profile, ...]
    limits: tuple[Limit, ...]
    batch: int
    length: int
    notes: tuple[str, ...]

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that have candidates; figures never mix them."""
        return tuple(dict.fromkeys(row.mode for row in self.rows))

    @property
    def shape(self) -> str:
        """What the figures are of."""
        steps = f"length {self.length}"
        if "stream" in self.modes:
            steps = f"{steps}; streams: one step" if len(self.modes) > 1 else "one step"
        return f"batch {self.batch}, {steps}"

    def limit(self, name: str) -> Limit | None:
        """The budget's limit of that name."""
        return next((limit for limit in self.limits if limit.name == name), None)

    def accuracy(self, row: Row) -> Accuracy | None:
        """The accuracy of a row on the split of :attr:`split`."""
        if row.artifact is None:
            return None
        return row.artifact.accuracy if self.split == "test" else row.artifact.accuracy_validation

    @property
    def split(self) -> str:
        """``test`` where any candidate has a figure there (limits are checked on it), else ``validation``."""
        return "test" if any(row.artifact and row.artifact.accuracy for row in self.rows) else "validation"


def gather(manifest: Manifest, profiles: Sequence[Profile], verdict: Verdict | None) -> Evidence:
    """Join what a bundle holds into rows: the pick first, then those that fit, those that may, by margin.

    Without a verdict the fastest come first.
    """
    newest_first = sorted(profiles, key=lambda profile: profile.created, reverse=True)
    device = _device(newest_first, verdict)
    shown = tuple(one for one in newest_first if device and one.device.fingerprint == device.fingerprint)
    artifacts = {artifact.id: artifact for artifact in manifest.artifacts}
    known = [one for one in _measurements(shown) if _current(one, artifacts)]
    batch, length = _shape(manifest, known, verdict)
    at_shape = [one for one in known if (one.batch, one.length) == (batch, length_for(one.mode, length))]
    notes = []
    joined: list[tuple[Candidate | None, Measurement | None]] = []
    if verdict is None:
        latest = {setup_of(one): one for one in reversed(at_shape)}
        joined = [(None, one) for one in sorted(latest.values(), key=_speed)]
    else:
        picked = setup_of(verdict.choice) if verdict.choice is not None else None
        for candidate in sorted(verdict.candidates, key=lambda one: (setup_of(one) != picked, *_standing(one))):
            options = [one for one in at_shape if setup_of(one) == setup_of(candidate)]
            chosen = next((one for one in options if _agrees(candidate, one)), options[0] if options else None)
            if chosen is not None and not _agrees(candidate, chosen):
                notes.append(
                    f"The verdict on {candidate.artifact} on {candidate.target} rests on other figures than its newest "
                    "measurement, which the figures show; run edgekit pick again."
                )
            joined.append((candidate, chosen))
    rows = _rows(joined, artifacts, verdict)
    return Evidence(
        rows=rows,
        device=device,
        profiles=shown,
        limits=verdict.limits if verdict is not None else (),
        batch=batch,
        length=length,
        notes=(*notes, *_notes(profiles, shown, artifacts, verdict)),
    )


def _rows(
    joined: Sequence[tuple[Candidate | None, Measurement | None]],
    artifacts: dict[str, Artifact],
    verdict: Verdict | None,
) -> tuple[Row, ...]:
    things = [candidate or measurement for candidate, measurement in joined]
    subjects = [one for one in things if one is not None]
    labels = label_all(subjects, artifacts)
    picked = setup_of(verdict.choice) if verdict is not None and verdict.choice is not None else None
    return tuple(
        Row(
            number=number,
            label=label,
            artifact_id=subject.artifact,
            family=subject.family,
            mode=subject.mode,
            target=subject.target,
            artifact=artifacts.get(subject.artifact),
            measurement=measurement,
            candidate=candidate,
            picked=setup_of(subject) == picked,
        )
        for number, (subject, label, (candidate, measurement)) in enumerate(
            zip(subjects, labels, joined, strict=True), 1
        )
    )


def label_all(subjects: Sequence[Candidate | Measurement | Choice], artifacts: dict[str, Artifact]) -> list[str]:
    """A short name for each candidate: family, precision and target, and whatever else tells two of them apart."""
    parts = []
    for one in subjects:
        artifact = artifacts.get(one.artifact)
        threads = f"{one.threads} thread{'s' if one.threads != 1 else ''}"
        told = {
            "spinning": one.spinning,
            "no arena": not one.arena,
            "CUDA graph": one.cuda_graph,
            "free shapes": not one.fixed_shapes,
        }
        options = " ".join(name for name, holds in told.items() if holds)
        pace = "closed loop" if one.every_seconds is None else pace_name(one.every_seconds)
        isa, variant = (artifact.isa, artifact.variant) if artifact is not None else ("", "")
        parts.append((one.mode, isa, variant, threads, options.strip(), pace))
    varied = [len({part[index] for part in parts}) > 1 for index in range(5)]
    # Windows in a closed loop beside streams at a pace is what the mode says already.
    varied.append(any(len({part[5] for part in parts if part[0] == mode}) > 1 for mode in MODES))
    labels = []
    for one, extra in zip(subjects, parts, strict=True):
        precision = "as imported" if one.precision is None else precision_name(one.precision)
        names = [shorten(model_name(one.family), _LONGEST_NAME), precision, target_name(one.target)]
        names += [text for text, differs in zip(extra, varied, strict=True) if differs and text]
        labels.append(" · ".join(names))
    repeated = {label for label, times in Counter(labels).items() if times > 1}
    return [
        f"{label} · {shorten(one.artifact, 2 * _LONGEST_NAME)}" if label in repeated else label
        for one, label in zip(subjects, labels, strict=True)
    ]


def _device(newest_first: Sequence[Profile], verdict: Verdict | None) -> Device | None:
    if verdict is not None:
        for profile in newest_first:
            if verdict.device in (profile.device.name, profile.device.fingerprint):
                return profile.device
    return newest_first[0].device if newest_first else None


def _shape(manifest: Manifest, known: Sequence[Measurement], verdict: Verdict | None) -> tuple[int, int]:
    if verdict is not None:
        return verdict.batch, verdict.length
    shapes = Counter((one.batch, one.length) for one in known if one.mode == "window")
    own = (1, manifest.data.length) if manifest.data is not None else (1, 1)
    return own if own in shapes or not shapes else shapes.most_common(1)[0][0]


def _agrees(candidate: Candidate, measurement: Measurement) -> bool:
    latency = measurement.latency
    found = {
        "p99": latency.p99_seconds if latency is not None else None,
        "p50": latency.p50_seconds if latency is not None else None,
    }
    return all(
        found[one.name] is not None and math.isclose(one.value, found[one.name] or 0.0, rel_tol=1e-9)
        for one in candidate.constraints
        if one.value is not None and one.name in found
    )


def _notes(
    profiles: Sequence[Profile], shown: Sequence[Profile], artifacts: dict[str, Artifact], verdict: Verdict | None
) -> Iterator[str]:
    stale = [one for one in _measurements(shown) if not _current(one, artifacts)]
    if stale:
        yield f"{len(stale)} measurements of files that have changed since are left out; run edgekit profile again."
    if len(profiles) > len(shown):
        others = sorted({profile.device.name for profile in profiles if profile not in shown})
        yield f"Measurements of another machine are left out: {', '.join(others)}."
    unknown = verdict is not None and [one for one in verdict.candidates if one.artifact not in artifacts]
    if unknown:
        yield f"{len(unknown)} candidates of the verdict are not in the bundle any more; run edgekit pick again."
    if any(artifact.weights == "random" for artifact in artifacts.values()):
        yield "Some weights are random: their speed and size are real, their answers mean nothing."


def _measurements(profiles: Sequence[Profile]) -> list[Measurement]:
    return [one for profile in profiles for one in profile.measurements]


def _current(measurement: Measurement, artifacts: dict[str, Artifact]) -> bool:
    artifact = artifacts.get(measurement.artifact)
    return artifact is not None and artifact.sha256 == measurement.sha256


def _standing(candidate: Candidate) -> tuple[bool, int, float]:
    room = -math.inf if candidate.margin is None else candidate.margin
    return not candidate.valid, _BEST_FIRST.index(candidate.status), -room


def _speed(measurement: Measurement) -> float:
    latency = measurement.latency
    return math.inf if latency is None else latency.p99_seconds or latency.p50_seconds
