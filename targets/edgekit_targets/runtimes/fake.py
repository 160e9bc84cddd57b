"""A runtime without a model: a script says how long everything takes and how much memory it needs.

It ships with the product so that everything above the device can be tested in milliseconds, without a device. It is
not one of the targets a user can name: made-up figures must not be mistaken for measured ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit_targets.errors import AgentFailed, InputError
from edgekit_targets.hardware.surroundings import Seen
from edgekit_targets.measure.clock import ScriptedClock
from edgekit_targets.measure.memory import ScriptedMeter
from edgekit_targets.runtimes.contract import Array, DeviceMeter, Shapes
from edgekit_targets.runtimes.onnx_file import Signature
from edgekit_targets.types.manifest import State, Tensor
from edgekit_targets.types.session import SessionFacts, SessionOptions
from edgekit_targets.types.target import TargetStatus

Latency = float | Sequence[float] | Callable[[int], float]
"""Seconds of one inference: a constant, a list that repeats, or a function of the number of the run."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What one artifact does on one target. Memory figures are what is added to ``baseline_bytes``."""

    latency_seconds: Latency = 0.001
    launch: Callable[[int], Latency] | None = None
    """Instead of ``latency_seconds``: the latency in the n-th fresh process, counted from 0."""
    seen: tuple[Seen, ...] = ()
    """What the machine does around each slice in turn; nothing by default."""
    cores: float = 1.0
    watts: float = 0.0
    """What the machine draws above idle while this runs, waiting for inputs included."""
    load_seconds: float = 0.05
    first_run_seconds: float = 0.002
    baseline_bytes: int = 50 * 2**20
    load_bytes: int = 2 * 2**20
    load_spike_bytes: int = 2**20
    run_bytes: int = 2**19
    run_spike_bytes: int = 2**18
    second_run_bytes: int = 0
    """What the run after the first adds, as an arena may."""
    hundredth_run_bytes: int = 0
    """What the hundredth run adds, long after it seemed to have settled."""
    hundredth_run_spike_bytes: int = 0
    """What it takes on top of that and gives back."""
    parity_error: float = 0.0
    refuses: str | None = None
    """Loading fails with this message (the user's error)."""
    dies_at_open: bool = False
    dies_at_run: int | None = None
    """The process dies in this inference; the first is 1."""
    inputs: tuple[Tensor, ...] | None = None
    """None: whatever is asked for, as float32."""
    outputs: tuple[Tensor, ...] = (Tensor(name="y", dtype="float32", shape=("batch", 2)),)
    compute: Callable[[Mapping[str, Array]], dict[str, Array]] | None = None
    """What the model answers; None: nothing can be read."""


class FakeSession:
    """Moves the clock and the meter as the script says."""

    def __init__(
        self, script: Script, signature: Signature, clock: ScriptedClock, meter: ScriptedMeter, facts: SessionFacts
    ) -> None:
        """Stand for a loaded model."""
        self.inputs, self.outputs = signature
        self.facts = facts
        self._script = script
        self._clock = clock
        self._meter = meter
        self._runs = 0
        self._timed = 0
        self._feeds: dict[str, Array] | None = None

    def bind(self, feeds: Mapping[str, Array], states: Sequence[State] = ()) -> None:
        """Take the first run's time and memory, the first time."""
        first = self._feeds is None
        self._feeds = dict(feeds)
        self._count()
        if first:
            self._clock.advance(self._script.first_run_seconds, cores=self._script.cores)
            self._meter.grow(self._script.run_bytes, spike_bytes=self._script.run_spike_bytes)

    def run(self) -> None:
        """Let one inference's time pass."""
        self._count()
        if self._timed == 0:
            self._meter.grow(self._script.second_run_bytes)
        if self._runs == 100:
            spike = self._script.hundredth_run_spike_bytes
            self._meter.grow(self._script.hundredth_run_bytes, spike_bytes=spike)
        self._clock.advance(_seconds(self._script.latency_seconds, self._timed), cores=self._script.cores)
        self._timed += 1

    def write(self, feeds: Mapping[str, Array]) -> None:
        """Answer these from now on."""
        self._feeds = dict(feeds)

    def synchronise(self) -> None:
        """Nothing is under way."""

    def reset(self) -> None:
        """No state is kept: every scripted answer depends on what is bound alone."""

    def read(self) -> dict[str, Array]:
        """The scripted answer to what is bound."""
        if self._script.compute is None or self._feeds is None:
            raise InputError("this fake model has no answers; give its script a compute function")
        return self._script.compute(self._feeds)

    def close(self) -> None:
        """Nothing to let go of."""

    def _count(self) -> None:
        self._runs += 1
        if self._runs == self._script.dies_at_run:
            raise AgentFailed(f"the fake process died in run {self._runs}")


class FakeTarget:
    """Opens fake sessions for requests that ask for ``shapes``."""

    module = "edgekit_targets"
    extra = ""
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        script: Script,
        shapes: Mapping[str, tuple[int, ...]],
        clock: ScriptedClock,
        meter: ScriptedMeter,
    ) -> None:
        """Stand for the target ``name``."""
        self.name = name
        self.summary = f"{name}, scripted"
        self._script = script
        self._shapes = shapes
        self._clock = clock
        self._meter = meter

    def status(self) -> TargetStatus:
        """Always available."""
        return TargetStatus(
            name=self.name, summary=self.summary, available=True, version="fake", reason=None, remedy=None
        )

    def prepare(self) -> str:
        """Nothing to import."""
        return "fake"

    def check(self, path: Path) -> Signature:
        """What the script declares, or whatever is asked for."""
        asked = tuple(Tensor(name=name, dtype="float32", shape=shape) for name, shape in self._shapes.items())
        return Signature(self._script.inputs or asked, self._script.outputs)

    def device_meter(self) -> DeviceMeter | None:
        """None."""
        return None

    def open(
        self, path: Path, options: SessionOptions, signature: Signature, shapes: Shapes | None = None
    ) -> FakeSession:
        """Take the loading's time and memory.

        Raises:
            InputError: the script refuses the file.
            AgentFailed: the script dies here.
        """
        if self._script.dies_at_open:
            raise AgentFailed(f"the fake process died while it loaded {path.name}")
        self._clock.advance(self._script.load_seconds)
        if self._script.refuses is not None:
            raise InputError(f"{path} cannot be loaded: {self._script.refuses}")
        self._meter.grow(self._script.load_bytes, spike_bytes=self._script.load_spike_bytes)
        facts = SessionFacts(
            runtime="fake",
            build="fake",
            device=self.name,
            threads=options.threads,
            optimisation="none",
            precision="as in the file",
            shapes="free" if shapes is None else "fixed",
        )
        return FakeSession(self._script, signature, self._clock, self._meter, facts)


def _seconds(latency: Latency, index: int) -> float:
    if isinstance(latency, Sequence):
        return latency[index % len(latency)]
    return latency(index) if callable(latency) else latency
