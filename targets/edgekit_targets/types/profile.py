"""What was measured: ``profiles/*.json``, schema version 1. SI units; null means not measured, with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgekit_targets.types.manifest import Mode, Precision

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Device:
    """The machine a profile was taken on. What could not be read is null."""

    name: str
    model: str | None
    cpu: str | None
    architecture: str
    isa: tuple[str, ...]
    cores: int
    memory_bytes: int | None
    os: str
    python: str
    governor: str | None
    fingerprint: str
    """SHA-256 over the facts that do not change between runs: two profiles with the same one come from one machine."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Quantiles of the service time of one inference, each with a 95 % distribution-free interval (order statistics).

    A bound that the samples cannot give (too few for that quantile) is null. ``effective_samples`` is the sample
    count after correcting for the clustering of samples in slices (Kish's design effect); the intervals use it.
    ``raw_seconds`` has one list per slice: a slice is one round of one launch (fresh process).
    """

    samples: int
    effective_samples: int
    launches: int
    mean_seconds: float
    p50_seconds: float
    p50_low_seconds: float | None
    p50_high_seconds: float | None
    p90_seconds: float
    p90_low_seconds: float | None
    p90_high_seconds: float | None
    p99_seconds: float | None
    p99_low_seconds: float | None
    p99_high_seconds: float | None
    raw_seconds: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """High-water marks of resident memory of the worker process, in bytes.

    ``baseline_bytes``: the process after importing the runtime, before any model. ``load_peak_bytes``: over loading.
    ``run_peak_bytes``: over the first run. ``steady_bytes``: resident after warm-up. The budget's ``memory`` is
    max(load, run) - baseline, its ``process_memory`` is max(load, run). ``added_file_bytes``: of what was added by
    the end of the first run, pages of files; mostly the runtime's own code, used for the first time. How much of it
    comes in depends on how the kernel has cached the files, so it differs between installations of the same versions.
    """

    baseline_bytes: int
    load_peak_bytes: int
    run_peak_bytes: int
    steady_bytes: int
    added_file_bytes: int | None = None

    @property
    def peak_bytes(self) -> int:
        """The most that was resident, over loading and the first run: the budget's ``process_memory``."""
        return max(self.load_peak_bytes, self.run_peak_bytes)

    @property
    def added_bytes(self) -> int:
        """What the model added at its peak: the budget's ``memory``."""
        return max(0, self.peak_bytes - self.baseline_bytes)


@dataclass(frozen=True, kw_only=True)
class DeviceParity:
    """The golden inputs run again on the device, against the golden outputs."""

    max_abs_error: float
    tolerance: float
    passed: bool


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One candidate measured: an artifact on a target with its settings."""

    artifact: str
    sha256: str
    family: str
    mode: Mode
    precision: Precision | None
    target: str
    threads: int
    batch: int
    length: int
    every_seconds: float | None
    runtime_version: str | None
    created: str
    latency: Latency | None
    cpu_seconds_per_inference: float | None
    cpu_low_seconds_per_inference: float | None
    cpu_high_seconds_per_inference: float | None
    load_seconds: float | None
    first_run_seconds: float | None
    throughput_per_second: float | None
    memory: Memory | None
    memory_low_bytes: int | None
    memory_high_bytes: int | None
    process_memory_low_bytes: int | None
    process_memory_high_bytes: int | None
    energy: float | None
    parity: DeviceParity | None
    warnings: tuple[str, ...]
    valid: bool
    complete: bool = True
    """False where measuring was interrupted; such a measurement counts as evidence, but is measured again next time."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One run of ``edgekit profile`` on one device."""

    schema_version: int
    edgekit_version: str
    created: str
    device: Device
    settings: dict[str, Any]
    measurements: tuple[Measurement, ...]
