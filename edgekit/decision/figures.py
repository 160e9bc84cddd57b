"""The figure behind each limit and each preference: its value, its interval, or why there is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.decision.accuracy import validation_difference
from edgekit_targets.types.manifest import Accuracy, Artifact, Manifest
from edgekit_targets.types.profile import Measurement

NEEDS_PACE = "needs a run at a pace (profile --every 20ms); this one was a closed loop"


@dataclass(frozen=True)
class Figure:
    """A figure in SI units or as a share.

    ``reason`` says why ``value`` is null; ``samples`` is what an accuracy rests on.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    samples: int | None = None


@dataclass(frozen=True)
class Evidence:
    """One candidate: an artifact, its measurement, and the fp32 artifact of the same model (itself for fp32)."""

    artifact: Artifact
    measurement: Measurement
    fp32: Artifact | None


def evidence_of(manifest: Manifest, measurements: Sequence[Measurement]) -> list[Evidence]:
    """The candidates among what was measured, each with its artifact.

    A file that also gives attention weights is made to be looked into; it does not compete with the plain one.
    """
    artifacts = {artifact.id: artifact for artifact in manifest.artifacts if artifact.variant == "plain"}
    base = {
        (artifact.family, artifact.mode): artifact for artifact in artifacts.values() if artifact.precision == "fp32"
    }
    return [
        Evidence(
            artifact=artifacts[one.artifact],
            measurement=one,
            fp32=base.get((artifacts[one.artifact].family, artifacts[one.artifact].mode)),
        )
        for one in measurements
        if one.artifact in artifacts
    ]


def soaked_figures(measurement: Measurement) -> Measurement:
    """The same measurement with the latency at the end of its soak; without a soak it has none."""
    soak = measurement.soak
    if soak is None or not soak.points:
        missing = ("not soaked; profile it with --soak 30m", *measurement.warnings)
        return dataclasses.replace(measurement, latency=None, paced=None, warnings=missing)
    return dataclasses.replace(measurement, latency=soak.points[-1].latency, paced=None)


def figure(name: str, evidence: Evidence) -> Figure:
    """The figure called ``name`` (a budget key), as a limit sees it: accuracy is that of the test split."""
    measurement = evidence.measurement
    if name in ("p50", "p99"):
        return _latency(name, measurement)
    if name in ("memory", "process_memory"):
        return _memory(name, measurement)
    if name == "size":
        size = float(evidence.artifact.size_bytes)
        return Figure(size, size, size)
    if name == "accuracy":
        return _accuracy(evidence.artifact.accuracy)
    if name == "accuracy_drop":
        return _drop(evidence)
    if name == "energy":
        energy = measurement.energy
        if energy is None:
            told = (text for text in measurement.warnings if text.startswith("energy:"))
            return Figure(None, reason=next(told, "energy was not measured"))
        return Figure(energy.joules_per_inference, energy.low, energy.high)
    return _paced(name, measurement)


def preference(name: str, evidence: Evidence) -> Figure:
    """The figure candidates are ranked by: as :func:`figure`, but accuracy of the validation split, and CPU a time."""
    if name == "accuracy":
        return _accuracy(evidence.artifact.accuracy_validation)
    if name == "cpu":
        measurement = evidence.measurement
        return Figure(
            measurement.cpu_seconds_per_inference,
            measurement.cpu_low_seconds_per_inference,
            measurement.cpu_high_seconds_per_inference,
            reason="CPU time was not measured",
        )
    return figure(name, evidence)


def _latency(name: str, measurement: Measurement) -> Figure:
    latency = measurement.latency
    if latency is None:
        return Figure(None, reason=next(iter(measurement.warnings), "not measured"))
    if name == "p50":
        return Figure(latency.p50_seconds, latency.p50_low_seconds, latency.p50_high_seconds)
    return Figure(
        latency.p99_seconds,
        latency.p99_low_seconds,
        latency.p99_high_seconds,
        reason=f"{latency.samples} samples are too few for p99",
    )


def _paced(name: str, measurement: Measurement) -> Figure:
    paced = measurement.paced
    if paced is None:
        return Figure(None, reason=NEEDS_PACE)
    if name == "deadline_miss":
        return Figure(paced.deadline_miss, paced.deadline_miss_low, paced.deadline_miss_high)
    return Figure(paced.cpu_share, paced.cpu_share_low, paced.cpu_share_high, reason="CPU time was not measured")


def _memory(name: str, measurement: Measurement) -> Figure:
    memory = measurement.memory
    if name == "process_memory" and measurement.process_memory_high_bytes is not None:
        high = float(measurement.process_memory_high_bytes)
        return Figure(high, _float(measurement.process_memory_low_bytes), high)
    if memory is None:
        return Figure(None, reason="memory was not measured")
    if name == "memory":
        return Figure(
            float(memory.added_bytes), _float(measurement.memory_low_bytes), _float(measurement.memory_high_bytes)
        )
    return Figure(float(memory.peak_bytes), _float(measurement.process_memory_low_bytes))


def _float(value: int | None) -> float | None:
    return None if value is None else float(value)


def _accuracy(accuracy: Accuracy | None) -> Figure:
    if accuracy is None:
        return Figure(None, reason="the bundle has no labelled data for this model")
    return Figure(accuracy.value, accuracy.low, accuracy.high, samples=accuracy.samples)


def _drop(evidence: Evidence) -> Figure:
    """Accuracy lost against fp32 on the same validation samples, with the interval of a paired difference."""
    own, base = evidence.artifact, evidence.fp32
    lost = validation_difference(base, own) if base is not None else None
    if lost is None or own.accuracy_validation is None:
        return Figure(None, reason="the bundle has no fp32 artifact with an accuracy to compare with")
    samples = own.accuracy_validation.samples
    if own == base:
        return Figure(0.0, 0.0, 0.0, samples=samples)
    return Figure(lost.value, lost.low, lost.high, samples=samples)
