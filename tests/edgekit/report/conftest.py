"""Synthetic bundles: four families, two precisions, two targets, lognormal latencies from a seed."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from scipy import stats

from edgekit.budget.keys import find_key
from edgekit.terminal.format import limit
from edgekit_targets.types.manifest import Accuracy, Artifact, Data, Manifest, Parity, Quantized, Tensor, Training
from edgekit_targets.types.profile import Device, DeviceParity, Latency, Measurement, Memory, Profile
from edgekit_targets.types.verdict import Candidate, Choice, Choices, Constraint, Limit, Status, Verdict
from tests.edgekit.report.cards import CARDS
from tests.edgekit.report.explanations import EXPLANATIONS

FAMILIES = {"conv": (90e-6, 0.955, 40_000), "linear": (14e-6, 0.93, 11_000), "lstm": (420e-6, 0.976, 400_000)}
FAMILIES["transformer"] = (610e-6, 0.978, 430_000)
BUDGET = {"p99": 20e-3, "memory": 32 * 2.0**20, "size": 4 * 2.0**20, "accuracy": 0.9}
CREATED = "2026-01-02T03:04:05.000000Z"


@dataclass(frozen=True)
class Bundle:
    """What :func:`edgekit.report.page.render` takes."""

    manifest: Manifest
    profiles: tuple[Profile, ...]
    verdict: Verdict | None


def wilson(share: float, samples: int, metric: str = "accuracy") -> Accuracy:
    found = stats.binomtest(round(share * samples), samples).proportion_ci(method="wilson")
    return Accuracy(
        metric=metric, value=round(share * samples) / samples, low=found.low, high=found.high, samples=samples
    )


def artifact(
    family: str, precision: Literal["fp32", "int8-dynamic"], weights: Literal["trained", "imported"]
) -> Artifact:
    _, accuracy, size = FAMILIES.get(family, (1e-3, 0.9, 200_000))
    quantized = precision != "fp32"
    tensor = Tensor(name="x", dtype="float32", shape=("batch", "length", 12))
    trained = weights == "trained"
    return Artifact(
        id=f"{family}-window-{precision}-portable",
        file=f"{family}-window-{precision}-portable.onnx",
        sha256=hashlib.sha256(f"{family}{precision}".encode()).hexdigest(),
        size_bytes=int(size * (0.29 if quantized else 1.0)),
        family=family,
        mode="window",
        precision=precision,
        isa="portable",
        variant="plain",
        weights=weights,
        parameters=size // 4,
        opset=18,
        ir_version=8,
        min_onnxruntime="1.16",
        inputs=(tensor,),
        outputs=(Tensor(name="logits", dtype="float32", shape=("batch", 9)),),
        states=(),
        parity=Parity(
            reference="PyTorch" if trained else "its own fp32 run",
            tolerance=0.2 if quantized else 1e-4,
            max_abs_error=0.081 if quantized else 4.1e-6,
            relative_error=0.0121 if quantized else 3.3e-7,
            points=((1, 1), (2, 7), (5, 25), (8, 40)),
        ),
        quantized={"LSTM": Quantized(quantized=2, total=2), "MatMul": Quantized(quantized=1, total=2)}
        if quantized
        else {},
        accuracy=wilson(accuracy - 0.003 * quantized, 370) if trained else None,
        accuracy_validation=wilson(accuracy + 0.005 - 0.002 * quantized, 54) if trained else None,
        training=Training(seed=0, epochs=40, seconds=21.5, best_epoch=31, checkpoint_sha256="c" * 64)
        if trained
        else None,
        example=(8, 25),
    )


def latency(center: float, seed: int, count: int = 1600) -> Latency:
    generator = np.random.default_rng(seed)
    raw = center * generator.lognormal(0.0, 0.06, count)
    raw[generator.random(count) < 0.02] *= 1.7
    ordered = np.sort(raw)

    def bound(q: float) -> tuple[float, float | None, float | None]:
        low, high = (int(stats.binom.ppf(p, count, q)) for p in (0.025, 0.975))
        return float(np.quantile(ordered, q)), float(ordered[low - 1]), float(ordered[high]) if high < count else None

    (p50, p50_low, p50_high), (p90, p90_low, p90_high), (p99, p99_low, p99_high) = (bound(q) for q in (0.5, 0.9, 0.99))
    return Latency(
        samples=count,
        effective_samples=count // 2,
        launches=4,
        mean_seconds=float(raw.mean()),
        p50_seconds=p50,
        p50_low_seconds=p50_low,
        p50_high_seconds=p50_high,
        p90_seconds=p90,
        p90_low_seconds=p90_low,
        p90_high_seconds=p90_high,
        p99_seconds=p99,
        p99_low_seconds=p99_low,
        p99_high_seconds=p99_high,
        raw_seconds=tuple(tuple(float(value) for value in part) for part in np.split(raw, 16)),
    )


def measurement(one: Artifact, target: str, seed: int) -> Measurement:
    center = FAMILIES.get(one.family, (1e-3, 0.9, 0))[0]
    center *= (
        (0.62 if one.precision != "fp32" else 1.0) if target == "cpu" else (1.1 if one.precision != "fp32" else 0.7)
    )
    found = latency(center, seed)
    base = (52 if target == "cpu" else 74) * 2**20
    added = int(one.size_bytes * 2.5 + (1.5 if target == "cpu" else 9) * 2**20)
    return Measurement(
        artifact=one.id,
        sha256=one.sha256,
        family=one.family,
        mode=one.mode,
        precision=one.precision,
        target=target,
        threads=1,
        batch=1,
        length=25,
        every_seconds=None,
        runtime_version="1.22.0" if target == "cpu" else "2025.3",
        created=CREATED,
        latency=found,
        cpu_seconds_per_inference=found.mean_seconds,
        cpu_low_seconds_per_inference=found.mean_seconds * 0.99,
        cpu_high_seconds_per_inference=found.mean_seconds * 1.01,
        load_seconds=0.013,
        first_run_seconds=0.0021,
        throughput_per_second=1 / found.mean_seconds,
        memory=Memory(
            baseline_bytes=base,
            load_peak_bytes=base + added,
            run_peak_bytes=base + added - 4096,
            steady_bytes=base + added // 2,
        ),
        memory_low_bytes=int(added * 0.97),
        memory_high_bytes=added,
        process_memory_low_bytes=base + int(added * 0.97),
        process_memory_high_bytes=base + added,
        energy=None,
        parity=DeviceParity(max_abs_error=3.1e-6, tolerance=1e-4, passed=True),
        warnings=("energy: not measured (RAPL: no counter here)",),
        valid=True,
    )


def judge(bundle_artifacts: dict[str, Artifact], one: Measurement, limits: dict[str, float]) -> Candidate:
    """A plain judge, only to give the page consistent records."""
    file = bundle_artifacts[one.artifact]
    found = one.latency
    peak = max(one.memory.load_peak_bytes, one.memory.run_peak_bytes) if one.memory else None
    figures: dict[str, tuple[float | None, float | None, float | None]] = {
        "p99": (found.p99_seconds, found.p99_low_seconds, found.p99_high_seconds) if found else (None, None, None),
        "memory": (peak - one.memory.baseline_bytes, one.memory_low_bytes, one.memory_high_bytes)
        if peak and one.memory
        else (None, None, None),
        "size": (float(file.size_bytes), None, None),
        "accuracy": (file.accuracy.value, file.accuracy.low, file.accuracy.high)
        if file.accuracy
        else (None, None, None),
    }
    constraints = []
    margins = []
    for name, bound in limits.items():
        value, low, high = figures[name]
        upper = bool((key := find_key(name)) and key.upper)
        note = None
        status: Status = "unmeasured"
        if value is not None:
            ends = [value if end is None else end for end in (low, high)]
            meets = [end <= bound if upper else end >= bound for end in ends]
            status = "pass" if all(meets) else "undecided" if any(meets) and name == "p99" else "fail"
            margins.append((bound - value) / bound * (1 if upper else -1))
        else:
            note = "no data was given for this model" if name == "accuracy" else "the worker died: out of memory"
        constraints.append(
            Constraint(name=name, limit=bound, value=value, low=low, high=high, status=status, note=note)
        )
    order: tuple[Status, ...] = ("fail", "undecided", "unmeasured", "pass")
    overall = next(status for status in order if status in {each.status for each in constraints} or status == "pass")
    return Candidate(
        artifact=one.artifact,
        family=one.family,
        mode=one.mode,
        precision=one.precision,
        target=one.target,
        threads=one.threads,
        constraints=tuple(constraints),
        margin=min(margins, default=None),
        valid=one.valid,
        status=overall,
    )


def choice_of(one: Candidate) -> Choice:
    names = [field.name for field in dataclasses.fields(Choice)]
    return Choice(**{name: getattr(one, name) for name in names})


def verdict_of(
    manifest: Manifest, measurements: tuple[Measurement, ...], limits: dict[str, float] | None = None
) -> Verdict:
    limits = BUDGET if limits is None else limits
    files = {one.id: one for one in manifest.artifacts}
    candidates = [judge(files, one, limits) for one in measurements]
    candidates.sort(key=lambda one: -(one.margin if one.margin is not None else -math.inf))
    fitting = [one for one in candidates if one.status == "pass" and one.valid]
    outcome: Literal["pick", "undecided", "nothing-fits"] = "pick" if fitting else "nothing-fits"
    if not fitting and any(one.status == "undecided" for one in candidates):
        outcome = "undecided"
    best = choice_of(fitting[0]) if fitting else None
    sentence = {
        "pick": f"Ship {best.artifact} on {best.target}: it meets every limit." if best else "",
        "nothing-fits": "Nothing fits: every candidate breaks at least one limit.",
        "undecided": "Undecided: more samples would tell whether the best candidate meets p99.",
    }[outcome]
    return Verdict(
        schema_version=1,
        edgekit_version="0.1.0",
        created="2026-01-02T03:05:00.000000Z",
        verdict=outcome,
        tie=False,
        choice=best,
        choices=Choices(window=best, stream=None),
        candidates=tuple(candidates),
        pareto=tuple(choice_of(one) for one in fitting[:2]),
        reasons=(
            f"{len(fitting)} of {len(candidates)} candidates meet every limit.",
            "Ranked on the validation split.",
        ),
        sentence=sentence,
        budget=", ".join(f"{name}={limit(name, value)}".replace(" ", "") for name, value in limits.items()),
        limits=tuple(
            Limit(name=name, value=value, upper=bool((key := find_key(name)) and key.upper))
            for name, value in limits.items()
        ),
        prefer=("accuracy", "cpu", "memory", "size", "p99"),
        device="local",
        batch=1,
        length=25,
        evidence=("profiles/20260102T030405Z-abc123.json",),
    )


def build(
    families: tuple[str, ...] = tuple(FAMILIES),
    *,
    weights: Literal["trained", "imported"] = "trained",
    limits: dict[str, float] | None = None,
    change: Callable[[Measurement], Measurement] = lambda one: one,
) -> Bundle:
    precisions: tuple[Literal["fp32", "int8-dynamic"], ...] = (
        ("fp32", "int8-dynamic") if weights == "trained" else ("fp32",)
    )
    files = tuple(artifact(family, precision, weights) for family in families for precision in precisions)
    measurements = tuple(
        change(measurement(one, target, seed))
        for seed, (one, target) in enumerate((one, target) for one in files for target in ("cpu", "openvino"))
    )
    data = Data(
        name="aeon:JapaneseVowels",
        sha256="d" * 64,
        features=12,
        length=25,
        classes=tuple(map(str, range(1, 10))),
        train=216,
        validation=54,
        test=370,
    )
    manifest = Manifest(
        schema_version=1,
        edgekit_version="0.1.0",
        created=CREATED,
        data=data if weights == "trained" else None,
        versions={"torch": "2.9.1", "onnx": "1.19.0", "onnxruntime": "1.22.0"},
        settings={"preset": "iot", "seed": 0, "set": {"hidden": 96}},
        artifacts=files,
        dropped=("transformer-window-int8-static-portable: the error was 4.1 %, above the tolerance",),
    )
    device = Device(
        name="local",
        model="Laptop 14",
        cpu="AMD Ryzen 7 5800U",
        architecture="x86_64",
        isa=("avx2", "fma"),
        cores=2,
        memory_bytes=8 * 2**30,
        os="Debian GNU/Linux 12, kernel 6.1",
        python="3.11.9",
        governor="performance",
        fingerprint="f" * 64,
    )
    profile = Profile(
        schema_version=1,
        edgekit_version="0.1.0",
        created=CREATED,
        device=device,
        settings={
            "launches": 4,
            "rounds": 4,
            "samples": 1600,
            "seconds": 8.0,
            "warmup_seconds": 0.05,
            "interleaved": True,
        },
        measurements=measurements,
    )
    return Bundle(manifest, (profile,), verdict_of(manifest, measurements, limits))


def _broken(one: Measurement) -> Measurement:
    if one.family == "lstm" and one.precision == "fp32":
        return dataclasses.replace(
            one,
            latency=None,
            memory=None,
            memory_low_bytes=None,
            memory_high_bytes=None,
            process_memory_low_bytes=None,
            process_memory_high_bytes=None,
            throughput_per_second=None,
            load_seconds=None,
            valid=False,
            warnings=("the worker died: out of memory",),
        )
    if one.family == "transformer" and one.latency is not None:
        few = dataclasses.replace(one.latency, p99_seconds=None, p99_low_seconds=None, p99_high_seconds=None)
        return dataclasses.replace(one, latency=few, warnings=("p99: 80 samples are too few for the value",))
    return one


def _unbounded(one: Measurement) -> Measurement:
    if one.latency is None:
        return one
    return dataclasses.replace(one, latency=dataclasses.replace(one.latency, p99_high_seconds=None))


def _undecided() -> Bundle:
    """The limit lies inside the interval of the fastest, so below what every other has."""
    found = [one.latency.p99_seconds for one in build(("lstm",)).profiles[0].measurements if one.latency is not None]
    return build(("lstm",), limits={"p99": min(value for value in found if value is not None), "accuracy": 0.5})


HOSTILE = '<script>alert("1")</script>$\\frac{1}{\x00"&amp;\u202e漢字</style>'
VARIANTS: dict[str, Callable[[], Bundle]] = {
    "pick": build,
    "tie": lambda: dataclasses.replace(b := build(), verdict=dataclasses.replace(b.verdict, tie=True)),  # type: ignore[type-var]
    "no-verdict": lambda: dataclasses.replace(build(), verdict=None),
    "imported": lambda: build(
        ("model-a", "model-b"), weights="imported", limits={"p99": 10e-3, "memory": 64 * 2.0**20}
    ),
    "nothing-fits": lambda: build(limits={"p99": 100e-6, "memory": 2**20 * 1.2, "size": 1000.0, "accuracy": 0.97}),
    "undecided": _undecided,
    "single": lambda: (
        (b := build(("lstm",)))
        and Bundle(
            b.manifest,
            (dataclasses.replace(b.profiles[0], measurements=b.profiles[0].measurements[:1]),),
            verdict_of(b.manifest, b.profiles[0].measurements[:1]),
        )
    ),
    "invalid": lambda: build(change=_broken),
    "no-upper-bounds": lambda: build(change=_unbounded),
    "forty": lambda: build(tuple(f"net{index:02d}" for index in range(10))),
    "long-names": lambda: build(tuple(f"{'a-very-long-family-name-' * 9}{index}" for index in range(3))),
    "hostile": lambda: build((HOSTILE, "lstm")),
    "nothing-measured": lambda: dataclasses.replace(build(), profiles=(), verdict=None),
}


@pytest.fixture(scope="session")
def bundles() -> dict[str, Bundle]:
    """Every variant by its name."""
    return {name: make() for name, make in VARIANTS.items()}


@pytest.fixture(scope="session")
def pages(bundles: dict[str, Bundle]) -> dict[str, str]:
    """Every variant rendered once."""
    from edgekit.report.explanation import render_explanation
    from edgekit.report.page import render
    from edgekit.report.rounds import render_card

    reports = {
        name: render(one.manifest, one.profiles, one.verdict, command="edgekit compare")
        for name, one in bundles.items()
    }
    explanations = {name: render_explanation(one) for name, one in EXPLANATIONS.items()}
    return reports | explanations | {name: render_card(one) for name, one in CARDS.items()}
