"""Records to decide on, built with just the figures a test cares about."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.decision.figures import Evidence
from edgekit.profiling.store import write_profile
from edgekit_targets.bundle import write_manifest
from edgekit_targets.types.manifest import SCHEMA_VERSION, Accuracy, Artifact, Data, Manifest, Parity, Tensor
from edgekit_targets.types.profile import SCHEMA_VERSION as PROFILE_VERSION
from edgekit_targets.types.profile import Device, Latency, Measurement, Memory, Profile

MIB = 2**20
MakeArtifact = Callable[..., Artifact]
MakeMeasurement = Callable[..., Measurement]
MakeEvidence = Callable[..., Evidence]
MakeManifest = Callable[..., Manifest]
MakeBundle = Callable[..., Path]


def _accuracy(value: float | None, samples: int, half: float = 0.03) -> Accuracy | None:
    if value is None:
        return None
    return Accuracy(
        metric="accuracy", value=value, low=max(0.0, value - half), high=min(1.0, value + half), samples=samples
    )


@pytest.fixture(scope="session", autouse=True)
def _frozen_heap() -> None:
    """The agent collects garbage before every slice; what was imported by then need not be walked each time."""
    gc.freeze()


@pytest.fixture(scope="session")
def make_artifact() -> MakeArtifact:
    def make(
        family: str = "lstm",
        precision: Any = "fp32",
        *,
        accuracy: float | None = 0.97,
        validation: float | None = 0.97,
        size: int = 400_000,
        **others: Any,
    ) -> Artifact:
        values: dict[str, Any] = {
            "id": f"{family}-window-{precision}-portable-plain",
            "file": f"{family}-window-{precision}-portable-plain.onnx",
            "sha256": "0" * 64,
            "size_bytes": size,
            "family": family,
            "mode": "window",
            "precision": precision,
            "isa": "portable",
            "variant": "plain",
            "weights": "trained",
            "parameters": 100_000,
            "opset": 18,
            "ir_version": 8,
            "min_onnxruntime": "1.16",
            "inputs": (Tensor(name="x", dtype="float32", shape=("batch", "length", 12)),),
            "outputs": (Tensor(name="logits", dtype="float32", shape=("batch", 9)),),
            "states": (),
            "parity": Parity(
                reference="pytorch", tolerance=1e-4, max_abs_error=1e-6, relative_error=1e-6, points=((1, 1), (3, 7))
            ),
            "quantized": {},
            "accuracy": _accuracy(accuracy, 370),
            "accuracy_validation": _accuracy(validation, 68, 0.006),
            "example": (1, 25),
        }
        return Artifact(**(values | others))

    return make


@pytest.fixture(scope="session")
def make_measurement() -> MakeMeasurement:
    def make(
        artifact: Artifact,
        target: str = "cpu",
        *,
        p99: float | None = 0.004,
        half: float = 0.05,
        cpu: float | None = None,
        memory: float | None = 5 * MIB,
        **others: Any,
    ) -> Measurement:
        latency = None
        if p99 is not None:
            latency = Latency(
                samples=200,
                effective_samples=150,
                launches=5,
                mean_seconds=p99 * 0.7,
                p50_seconds=p99 * 0.6,
                p50_low_seconds=p99 * 0.59,
                p50_high_seconds=p99 * 0.61,
                p90_seconds=p99 * 0.8,
                p90_low_seconds=p99 * 0.79,
                p90_high_seconds=p99 * 0.81,
                p99_seconds=p99,
                p99_low_seconds=p99 * (1 - half),
                p99_high_seconds=p99 * (1 + half),
                raw_seconds=((*(p99 * 0.6,) * 12, *(p99 * 0.8,) * 6, *(p99,) * 2),) * 10,
            )
        cpu = cpu if cpu is not None else (p99 * 0.6 if p99 is not None else None)
        marks = None
        if memory is not None:
            peak = int(50 * MIB + memory)
            marks = Memory(baseline_bytes=50 * MIB, load_peak_bytes=peak, run_peak_bytes=peak, steady_bytes=peak)
        values: dict[str, Any] = {
            "artifact": artifact.id,
            "sha256": artifact.sha256,
            "family": artifact.family,
            "mode": artifact.mode,
            "precision": artifact.precision,
            "target": target,
            "threads": 1,
            "batch": 1,
            "length": 25,
            "every_seconds": None,
            "runtime_version": "1.0",
            "created": "2026-01-01T00:00:00.000000Z",
            "latency": latency,
            "cpu_seconds_per_inference": cpu,
            "cpu_low_seconds_per_inference": None if cpu is None else cpu * 0.98,
            "cpu_high_seconds_per_inference": None if cpu is None else cpu * 1.02,
            "load_seconds": 0.01,
            "first_run_seconds": 0.01,
            "throughput_per_second": None,
            "memory": marks,
            "memory_low_bytes": None if memory is None else int(memory * 0.99),
            "memory_high_bytes": None if memory is None else int(memory * 1.01),
            "process_memory_low_bytes": None if memory is None else int(50 * MIB + memory * 0.99),
            "process_memory_high_bytes": None if memory is None else int(50 * MIB + memory * 1.01),
            "energy": None,
            "parity": None,
            "warnings": (),
            "valid": True,
        }
        return Measurement(**(values | others))

    return make


@pytest.fixture(scope="session")
def make_evidence(make_artifact: MakeArtifact, make_measurement: MakeMeasurement) -> MakeEvidence:
    def make(family: str = "lstm", precision: str = "fp32", target: str = "cpu", **figures: Any) -> Evidence:
        of_artifact = {name: figures.pop(name) for name in ("accuracy", "validation", "size") if name in figures}
        artifact = make_artifact(family, precision, **of_artifact)
        return Evidence(
            artifact=artifact,
            measurement=make_measurement(artifact, target, **figures),
            fp32=make_artifact(family, "fp32", **of_artifact) if precision == "fp32" else make_artifact(family, "fp32"),
        )

    return make


@pytest.fixture(scope="session")
def make_manifest() -> MakeManifest:
    def make(artifacts: tuple[Artifact, ...], **others: Any) -> Manifest:
        values: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "edgekit_version": "0.1.0",
            "created": "2026-01-01T00:00:00.000000Z",
            "data": Data(
                name="made",
                sha256="0" * 64,
                features=12,
                length=25,
                classes=("a", "b"),
                train=200,
                validation=68,
                test=370,
            ),
            "versions": {},
            "settings": {},
            "artifacts": artifacts,
        }
        return Manifest(**(values | others))

    return make


@pytest.fixture(scope="session")
def make_profile() -> Callable[..., Profile]:
    def make(*measurements: Measurement, fingerprint: str = "f" * 64, name: str = "local", created: int = 0) -> Profile:
        return Profile(
            schema_version=PROFILE_VERSION,
            edgekit_version="0.1.0",
            created=f"2026-01-01T00:00:{created:02}.000000Z",
            device=Device(
                name=name,
                model=None,
                cpu="test processor",
                architecture="x86_64",
                isa=("avx2",),
                cores=2,
                memory_bytes=8 * 2**30,
                os="Linux",
                python="3.11",
                governor=None,
                fingerprint=fingerprint,
            ),
            settings={},
            measurements=measurements,
        )

    return make


@pytest.fixture
def make_bundle(tmp_path: Path, make_manifest: MakeManifest, make_profile: Callable[..., Profile]) -> MakeBundle:
    """Write a bundle: artifact files with the right hashes, a manifest, one profile with the measurements."""

    def make(*evidence: Evidence, profiled: bool = True, **of_manifest: Any) -> Path:
        bundle = tmp_path / "bundle"
        shutil.rmtree(bundle, ignore_errors=True)
        artifacts: dict[str, Artifact] = {}
        measurements = []
        for one in evidence:
            content = one.artifact.id.encode()
            digest = hashlib.sha256(content).hexdigest()
            artifacts[one.artifact.id] = dataclasses.replace(one.artifact, sha256=digest)
            measurements.append(dataclasses.replace(one.measurement, sha256=digest))
            bundle.mkdir(exist_ok=True)
            (bundle / one.artifact.file).write_bytes(content)
        write_manifest(bundle, make_manifest(tuple(artifacts.values()), **of_manifest))
        if profiled:
            write_profile(bundle, make_profile(*measurements))
        return bundle

    return make


@pytest.fixture(scope="session")
def wait_for_a_launch() -> Callable[[Path, subprocess.Popen[str]], None]:
    """Wait until one launch of a run that is going on is in the journal of this folder of profiles."""

    def wait(profiles: Path, running: subprocess.Popen[str]) -> None:
        end = time.monotonic() + 240
        while not any(path.read_bytes().count(b"\n") >= 2 for path in profiles.glob("unfinished-*.jsonl")):
            assert running.poll() is None, "the run ended before it could be interrupted"
            assert time.monotonic() < end, "no launch was over in 4 minutes"
            time.sleep(0.05)

    return wait
