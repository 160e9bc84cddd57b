"""How it was measured, in facts: machine, runtimes, settings, data, what went wrong, and the commands to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from edgekit.decision.words import comparison_text, crossover_text, soak_text, target_name
from edgekit.report.evidence import Evidence
from edgekit.terminal.format import count, percent, seconds, size
from edgekit_targets.types.manifest import Manifest
from edgekit_targets.types.profile import Device, Measurement
from edgekit_targets.types.verdict import Verdict

Facts = list[tuple[str, str]]
_UNKNOWN = "not known"
_FEW = 3
_SETTINGS = {
    "launches": "fresh processes for each candidate",
    "rounds": "rounds in each process",
    "samples": "samples planned for each candidate",
    "seconds": "seconds planned for each candidate",
    "most_seconds": "most seconds for an undecided candidate",
    "total_seconds": "most seconds for all together",
    "warmup_seconds": "warm-up before each slice (not counted)",
    "alive": "candidates loaded at a time",
    "interleaved": "candidates take turns",
    "soak_seconds": "soak",
    "seed": "seed of the order",
}


def device_facts(device: Device) -> Facts:
    """The machine that was measured."""
    return [
        ("name", device.name),
        ("model", device.model or _UNKNOWN),
        ("processor", device.cpu or _UNKNOWN),
        *([("GPU", device.gpu), ("driver of the GPU", device.gpu_driver or _UNKNOWN)] if device.gpu else []),
        ("architecture", device.architecture),
        ("instruction set", ", ".join(device.isa) or _UNKNOWN),
        ("cores usable", str(device.cores)),
        ("memory", _UNKNOWN if device.memory_bytes is None else size(device.memory_bytes)),
        ("system", device.os),
        ("Python", device.python),
        ("frequency governor", device.governor or _UNKNOWN),
        ("fingerprint", device.fingerprint[:16]),
    ]


def measuring_facts(evidence: Evidence) -> Facts:
    """How samples were taken, from the newest profile and the measurements shown."""
    shown = [row.measurement for row in evidence.rows if row.measurement is not None]
    latencies = [one.latency for one in shown if one.latency is not None]
    facts: Facts = [("shape", evidence.shape)]
    if latencies:
        facts += [
            ("samples", _range([one.samples for one in latencies])),
            ("effective samples", _range([one.effective_samples for one in latencies])),
            ("launches", _range([one.launches for one in latencies])),
        ]
    if shown:
        facts.append(("threads", _range([one.threads for one in shown])))
        facts.append(("runtimes", ", ".join(sorted({_runtime(one) for one in shown}))))
    files = [one.memory.added_file_bytes for one in shown if one.memory and one.memory.added_file_bytes is not None]
    if files:
        facts.append(("runtime code within the memory added", f"{size(min(files))} to {size(max(files))}"))
    if evidence.profiles:
        settings = evidence.profiles[0].settings
        facts += [(_SETTINGS.get(name, name.replace("_", " ")), text) for name, text in _given(settings)]
    return facts


def sweeps(evidence: Evidence) -> list[str]:
    """Where one model overtakes another, and what a soak did, each in a sentence."""
    found = [crossover_text(one) for profile in evidence.profiles for one in profile.crossovers]
    found += [
        comparison_text(one) for profile in evidence.profiles for one in profile.comparisons if one.about == "family"
    ]
    taken = [one for profile in evidence.profiles for one in profile.measurements]
    return list(dict.fromkeys(found)) + [soak_text(one) for one in taken if one.soak is not None]


def data_facts(manifest: Manifest) -> Facts:
    """The data set and how it was split."""
    data = manifest.data
    if data is None:
        return []
    return [
        ("data set", data.name),
        ("sequences", f"{count(data.train)} training, {count(data.validation)} validation, {count(data.test)} test"),
        (
            "each sequence",
            f"{data.length} steps of {data.features} features"
            if data.vocab is None
            else f"{data.length} tokens of {count(len(data.vocab))}",
        ),
        ("classes", f"{len(data.classes)}" if data.classes else "none (regression)"),
        ("SHA-256", data.sha256[:16]),
    ]


def training_facts(manifest: Manifest) -> Facts:
    """How the weights came about, one line a family."""
    facts = {
        one.family: f"seed {one.training.seed}, best epoch {one.training.best_epoch} of {one.training.epochs}, "
        f"{seconds(one.training.seconds)}"
        for one in manifest.artifacts
        if one.training is not None
    }
    return sorted(facts.items())


def version_facts(manifest: Manifest) -> Facts:
    """What exported the bundle and with which settings."""
    facts: Facts = [("edgekit", manifest.edgekit_version), ("bundle created", moment(manifest.created))]
    facts += sorted(manifest.versions.items())
    return facts + [(name.replace("_", " "), text) for name, text in _given(dict(sorted(manifest.settings.items())))]


def moment(stamp: str) -> str:
    """``2026-11-25 17:25 UTC`` of a time stamp as it stands in a file; what is no time stamp stays as it is."""
    try:
        found = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    return found.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def warnings(evidence: Evidence) -> list[tuple[str, list[str]]]:
    """The warnings of the measurements shown, each once with the candidates it is about; invalid ones are named."""
    about: dict[str, list[str]] = {}
    for row in evidence.rows:
        one = row.measurement
        if one is None:
            about.setdefault("not measured at this shape on this device", []).append(row.label)
            continue
        for text in one.warnings:
            about.setdefault(text, []).append(row.label)
    every = len(evidence.rows)
    return [(text, ["all candidates"] if len(labels) == every > 1 else labels) for text, labels in about.items()]


def invalid(evidence: Evidence) -> str | None:
    """Which candidates' measurements must not be used; how many where they are more than a few."""
    found = [row.label for row in evidence.rows if row.measurement is not None and not row.measurement.valid]
    if len(found) > _FEW:
        return f"{len(found)} of {len(evidence.rows)} measurements are not valid and cannot be picked."
    return f"Measurements that are not valid: {'; '.join(found)}." if found else None


def commands(evidence: Evidence, verdict: Verdict | None, command: str | None) -> Iterator[str]:
    """What to type to get this page again, from the bundle's folder's parent."""
    if command is not None:
        yield command
    shown = [row.measurement for row in evidence.rows if row.measurement is not None]
    if shown:
        words = ["edgekit", "profile", "BUNDLE", "--fresh"]
        words += ["--target", ",".join(sorted({one.target for one in shown}))]
        words += ["--threads", ",".join(str(one) for one in sorted({one.threads for one in shown}))]
        words += ["--batch", str(evidence.batch)]
        paces = {one.every_seconds for one in shown if one.every_seconds is not None}
        if len(paces) == 1:
            words += ["--every", f"{paces.pop() * 1e3:.6g}ms"]
        yield shlex.join(words)
    if verdict is not None:
        words = ["edgekit", "pick", "BUNDLE", "--budget", verdict.budget]
        words += ["--prefer", ",".join(verdict.prefer)] if verdict.prefer else []
        yield shlex.join(words)
    yield "edgekit report BUNDLE"
    yield "edgekit verify BUNDLE"


def _runtime(one: Measurement) -> str:
    return f"{target_name(one.target)} {one.runtime_version or '(version not known)'}"


def _range(values: list[int]) -> str:
    low, high = min(values), max(values)
    return count(low) if low == high else f"{count(low)} to {count(high)}"


def _given(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The settings that were set to something."""
    return [(name, _setting(value, name)) for name, value in settings.items() if value not in (None, {}, [], ())]


def _setting(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)) and name.endswith("seconds"):
        return seconds(float(value))
    if isinstance(value, float) and name == "accuracy_drop":
        return percent(value)
    if isinstance(value, int):
        return count(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
