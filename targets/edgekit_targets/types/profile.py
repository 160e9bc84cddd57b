"""What was measured: ``profiles/*.json``, schema version 2. SI units; null means not measured, with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from edgekit_targets.types.manifest import Mode, Precision
from edgekit_targets.types.session import SessionFacts, SessionOptions

SCHEMA_VERSION = 2
OLDEST_READABLE = 2
"""Intervals of version 1 held for one look at the end only; a figure that stopped in between cannot rest on them."""
MOST_DISTURBED = 0.2
POWER_CAP = "power cap"
"""Among what holds a GPU back. At work it runs up against its power limit as a rule: that is its speed."""


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
    gpu: str | None = None
    """The NVIDIA GPU that CUDA computes on; null also where one is there and its driver is not."""
    gpu_driver: str | None = None

    @property
    def hardware(self) -> str:
        """The processor, and the GPU where there is one: what figures are of."""
        return ", ".join(filter(None, (self.cpu or self.model or self.architecture, self.gpu)))


Kind = Literal["swap", "load", "clock", "power", "throttling"]


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """Something that makes figures taken meanwhile doubtful; ``detail`` is one line with the remedy."""

    kind: Kind
    detail: str


def disturbed_too_much(share: float | None) -> bool:
    """Whether figures that were disturbed for this share of their time are too doubtful to recommend anything by."""
    return share is not None and share > MOST_DISTURBED


@dataclass(frozen=True, kw_only=True)
class DeviceConditions:
    """The state of a device with a clock of its own (a GPU) at one moment. What it does not tell is null."""

    frequency_hz: float | None
    """Of its multiprocessors now; a GPU that has nothing to do slows down by itself."""
    temperature_celsius: float | None
    throttled: tuple[str, ...] | None
    """Why it is held back now (``power cap``, ``thermal slowdown``, ...)."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The state of the machine at one moment. What could not be read is null."""

    governor: str | None
    frequency_hz: float | None
    """Of the fastest core now."""
    temperature_celsius: float | None
    """Of the hottest zone."""
    throttled: tuple[str, ...] | None
    """Why the processor is held back now (``under-voltage``, ``frequency capped``, ``soft temperature limit``, ...)."""
    power: Literal["mains", "battery"] | None
    swap_used_bytes: int | None
    load_average: float | None
    device: DeviceConditions | None = None
    """Of the device that computes, where that is not the processor."""

    @property
    def hottest_celsius(self) -> float | None:
        """Of what computes: the device, where there is one, else the processor."""
        return self.temperature_celsius if self.device is None else self.device.temperature_celsius


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Energy of one inference above idle, in joules, with a 95 % interval; ``source`` says what was read."""

    joules_per_inference: float
    low: float | None
    high: float | None
    source: str
    idle_watts: float
    seconds: float
    """How long was measured."""


@dataclass(frozen=True, kw_only=True)
class Enforced:
    """The candidate loaded and run once more in a process that the kernel kept within ``limit_bytes``, without swap.

    ``lived`` is false where the kernel killed it, null where no limit could be enforced or it failed of something else;
    ``reason`` says which. ``charged_peak_bytes`` is the most that its control group was charged. The kernel charges
    memory, not residence: what the process reads is charged and given back when needed, pages of files that others have
    read in are not charged at all.
    """

    limit_bytes: int
    lived: bool | None
    oom_kills: int | None
    reason: str | None
    charged_peak_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Paced:
    """What only a fixed pace tells. A deadline is missed when the answer comes after the next input's arrival.

    ``service`` is the time of the inferences alone; ``backlog`` the most inputs that waited at once, the one being
    answered included; ``cpu_share`` the share of one core, each with its 95 % interval.
    """

    service: Latency
    missed: int
    deadline_miss: float
    deadline_miss_low: float | None
    deadline_miss_high: float | None
    backlog: int
    cpu_share: float | None
    cpu_share_low: float | None
    cpu_share_high: float | None


@dataclass(frozen=True, kw_only=True)
class SoakPoint:
    """One stretch of a soak: when it began, what it measured, and how warm the machine was after it."""

    start_seconds: float
    latency: Latency
    conditions: Conditions | None


@dataclass(frozen=True, kw_only=True)
class Soak:
    """One pace held for long: latency and temperature over time, and the last stretch against the first.

    ``ratio`` is p50 of the last stretch over that of the first, with its 95 % interval.
    """

    seconds: float
    points: tuple[SoakPoint, ...]
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Quantiles of the time of one inference, at a pace since its scheduled arrival.

    Each has a 95 % distribution-free interval that holds whenever measuring stopped (a confidence sequence).

    A bound that the samples cannot give (too few for that quantile) is null. ``effective_samples`` is what the samples
    are worth after correcting for how alike those of one slice and of one launch (fresh process) are (Kish's design
    effect); the intervals use it. ``raw_seconds`` has one list per slice, ``launch_of`` and ``round_of`` say which
    round of which launch it is: slices of two candidates with the same two numbers can be held against each other.
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
    p999_seconds: float | None = None
    p999_low_seconds: float | None = None
    p999_high_seconds: float | None = None
    warmup_samples: int | None = 0
    """How many inferences at the start of each slice were found to be warm-up and left out; null: no steady state."""
    launch_of: tuple[int, ...] = ()
    round_of: tuple[int, ...] = ()
    covers_seconds: float | None = None
    """The longest disturbance that was measured long enough to be bounded; what lasts longer, no figure here tells."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """High-water marks of resident memory of the worker process, in bytes.

    ``baseline_bytes``: the process after importing the runtime, before any model. ``load_peak_bytes``: over loading.
    ``run_peak_bytes``: over the first run and the few after it, until nothing grows any more; where it grew in the
    timed runs all the same, or one of them took much more for a moment, what was resident then. ``steady_bytes``: the
    most that was resident after timed runs. The
    budget's ``memory`` is max(load, run) - baseline, its ``process_memory`` is max(load, run). ``added_file_bytes``: of
    what was added by the end of the first few runs, pages of files; mostly the runtime's own code, used for the first
    time. How much of it comes in depends on how the kernel has cached the files, so it differs between installations of
    the same versions.
    """

    baseline_bytes: int
    load_peak_bytes: int
    run_peak_bytes: int
    steady_bytes: int
    added_file_bytes: int | None = None

    @property
    def peak_bytes(self) -> int:
        """The most that was resident, over loading and running: the budget's ``process_memory``."""
        return max(self.load_peak_bytes, self.run_peak_bytes)

    @property
    def added_bytes(self) -> int:
        """What the model added at its peak: the budget's ``memory``."""
        return max(0, self.peak_bytes - self.baseline_bytes)


@dataclass(frozen=True, kw_only=True)
class DeviceMemory:
    """What the process held of a device's own memory (a GPU's), in bytes.

    ``baseline_bytes``: with the runtime's context alone. Then after the model was loaded and after its first run. These
    are no high-water marks: what was freed in between is not seen.
    """

    baseline_bytes: int
    loaded_bytes: int
    run_bytes: int
    source: str

    @property
    def added_bytes(self) -> int:
        """What the model added."""
        return max(0, max(self.loaded_bytes, self.run_bytes) - self.baseline_bytes)


@dataclass(frozen=True, kw_only=True)
class DeviceParity:
    """The golden inputs run again on the device, against the golden outputs."""

    max_abs_error: float
    tolerance: float
    passed: bool


@dataclass(frozen=True, kw_only=True)
class Slowed:
    """How much slower the processor itself was at times, by a fixed loop after each slice.

    ``share`` is that of the slices in which it took 1.25 times its shortest or more; ``times`` how many times as long
    it took in those (the median), 1 where there are none.
    """

    share: float
    times: float


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
    energy: Energy | None
    parity: DeviceParity | None
    warnings: tuple[str, ...]
    valid: bool
    complete: bool = True
    """False where less was measured than planned; it counts as evidence, and the next run adds what is missing."""
    stopped: str | None = None
    """Why measuring ended before the plan did, where a budget made more of it pointless."""
    spinning: bool = False
    arena: bool = True
    fixed_shapes: bool = False
    cuda_graph: bool = False
    facts: SessionFacts | None = None
    """How the session really ran; null where none was opened."""
    call_seconds: float | None = None
    """What one call takes that computes nothing, there and so measured; it is part of every latency."""
    cpu_of_slices: tuple[float | None, ...] = ()
    """Processor time of an inference in each slice of ``latency``, to compare candidates round by round."""
    device_memory: DeviceMemory | None = None
    paced: Paced | None = None
    """Null in a closed loop."""
    soak: Soak | None = None
    conditions: tuple[Conditions, ...] = ()
    """Before, after, and the worst met in between (hottest, slowest, every throttle bit seen)."""
    disturbed: float | None = None
    """The share of the measured time in which something made the figures doubtful; above a fifth it is not valid.

    With any swapping it is 1. Null where nothing was measured.
    """
    enforced: Enforced | None = None
    """Null where no limit was asked for."""
    slowed: Slowed | None = None
    """Null where it was not looked at."""


@dataclass(frozen=True, kw_only=True)
class Crossover:
    """The length (or batch) at which one of two models overtakes the other, by p50, with a 95 % interval.

    ``over`` says what was swept; ``length``, its ends, ``shortest`` and ``longest`` are values of that. Over batches
    ``batch`` is null and ``steps`` the length that was held. ``modes`` are those of the two: a window against a step of
    the stream of the same family, or two streams, whose steps take no longer with length (there all is 1).

    ``length`` is null where they do not cross between ``shortest`` and ``longest``; an end is null where the
    uncertainty reaches beyond them. ``faster_before`` and ``faster_after`` name the family that is faster at the
    shortest and the longest length (a stream is called ``lstm stream``), null where that cannot be told. Without a
    ``target`` each model was taken at its best (precision, target, threads) at every length; with one, both were run
    alike.
    """

    families: tuple[str, str]
    precision: Precision | None
    target: str | None
    threads: int | None
    batch: int | None
    length: float | None
    length_low: float | None
    length_high: float | None
    shortest: int
    longest: int
    faster_before: str | None
    faster_after: str | None
    crossings: int
    over: Literal["length", "batch"] = "length"
    steps: int | None = None
    modes: tuple[Mode, Mode] = ("window", "window")
    every_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two candidates of one run: how many times the other's typical time the first one takes.

    ``ratio`` is that of the medians in the rounds that both were measured in (the median over the rounds of a launch,
    the geometric mean over launches), with a 95 % interval that holds at every look; an end is null with fewer than
    three common ``launches``. ``standing`` is that of the first: ``same`` where the interval lies within 1 % of one.
    """

    about: Literal["precision", "family"]
    """A quantized artifact against its fp32 form, run alike; or two families, each in its fastest form."""
    artifact: str
    target: str
    options: SessionOptions
    other: str
    other_target: str
    other_options: SessionOptions
    batch: int
    length: int
    every_seconds: float | None
    ratio: float
    low: float | None
    high: float | None
    launches: int
    standing: Literal["faster", "slower", "same", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One run of ``edgekit profile`` on one device."""

    schema_version: int
    edgekit_version: str
    created: str
    device: Device
    settings: dict[str, Any]
    measurements: tuple[Measurement, ...]
    crossovers: tuple[Crossover, ...] = ()
    """Of the lengths measured in this run."""
    comparisons: tuple[Comparison, ...] = ()
