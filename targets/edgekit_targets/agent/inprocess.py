"""An agent without processes, models or waiting: everything it measures is scripted, everything above it is real."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from edgekit_targets import __version__
from edgekit_targets.agent.energy import EnergyReader
from edgekit_targets.agent.model import Model
from edgekit_targets.agent.protocol import (
    PROTOCOL,
    Enforce,
    Evaluate,
    Evaluated,
    Idle,
    Idled,
    Open,
    Opened,
    Ran,
    Run,
    Welcome,
)
from edgekit_targets.errors import AgentFailed, InputError
from edgekit_targets.hardware.energy.contract import EnergySource, Unreadable
from edgekit_targets.hardware.energy.scripted import ScriptedEnergy
from edgekit_targets.hardware.surroundings import Quiet
from edgekit_targets.measure.clock import ScriptedClock
from edgekit_targets.measure.memory import ScriptedMeter
from edgekit_targets.runtimes.fake import FakeTarget, Script
from edgekit_targets.types.profile import Device, DeviceParity, Enforced
from edgekit_targets.types.target import TargetStatus

FAKE_DEVICE = Device(
    name="local",
    model="Fake Board",
    cpu="Fake processor",
    architecture="x86_64",
    isa=("avx2",),
    cores=2,
    memory_bytes=2**30,
    os="Fake OS",
    python="3.11.0",
    governor="performance",
    fingerprint="0" * 64,
)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What happens on the fake machine.

    ``scripts`` are looked up by (artifact, target), the artifact being the stem of its file or its sha256, then by
    (artifact, "*"); ``default`` serves the rest. ``unavailable`` maps a target to the reason why it cannot run.
    """

    scripts: Mapping[tuple[str, str], Script] = field(default_factory=dict)
    default: Script | None = field(default_factory=Script)
    targets: tuple[str, ...] = ("cpu", "openvino")
    unavailable: Mapping[str, str] = field(default_factory=dict)
    device: Device = FAKE_DEVICE
    idle_watts: float | None = None
    """What the machine draws when nothing runs; null: nothing tells its energy."""
    no_controller: str | None = None
    """Why no memory limit can be enforced; null: one can."""

    def script(self, request: Open) -> Script:
        """What is scripted for a request.

        Raises:
            InputError: nothing is.
        """
        for artifact in (Path(request.file).stem, request.sha256):
            for target in (request.target, "*"):
                if (artifact, target) in self.scripts:
                    return self.scripts[artifact, target]
        if self.default is None:
            raise InputError(f"nothing is scripted for {Path(request.file).stem} on {request.target}")
        return self.default


class FakeAgent:
    """Implements the contract of an agent on the fake runtime; time is shared by all models, as on a machine."""

    def __init__(self, scenario: Scenario | None = None) -> None:
        """Play ``scenario``; by default every artifact is equal."""
        self._scenario = scenario or Scenario()
        self._models: dict[str, Model] = {}
        self._drawn: dict[str, float] = {}
        self.clock = ScriptedClock()
        self._energy = EnergyReader(self._source, lambda: self.clock.now() / 1e9)
        self.opened: list[Open] = []
        """Every request to open, in order, for tests of who asked for what."""
        self.ran: list[Run] = []

    def __enter__(self) -> Self:
        """Nothing to start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget every model."""
        self._models.clear()

    def hello(self, *, exclusive: bool = False) -> Welcome:
        """The scripted machine, which nobody else knows of."""
        return Welcome(
            protocol=PROTOCOL,
            edgekit_version=__version__,
            device=self._scenario.device,
            targets=tuple(self._status(name) for name in (*self._scenario.targets, *self._scenario.unavailable)),
        )

    def open(self, request: Open) -> Opened:
        """Load one model. The file itself is never read, golden files neither: parity is scripted."""
        self.opened.append(request)
        if request.handle in self._models:
            raise InputError(f"the handle {request.handle} is in use; close it first")
        reason = self._scenario.unavailable.get(request.target)
        if reason is not None:
            raise InputError(f"--target {request.target} cannot run here: {reason}")
        script = self._launched(request)
        meter = ScriptedMeter(script.baseline_bytes)
        target = FakeTarget(request.target, script, request.inputs, self.clock, meter)
        model = Model(target, self.clock, meter, Quiet(script.seen))
        opened = model.open(dataclasses.replace(request, golden=None, tolerance=None))
        self._models[request.handle] = model
        self._drawn[request.handle] = script.watts
        return dataclasses.replace(opened, parity=_parity(script, request))

    def _launched(self, request: Open) -> Script:
        """The script as the next fresh process of this candidate plays it."""
        script = self._scenario.script(request)
        before = sum(
            (one.file, one.target, one.options) == (request.file, request.target, request.options)
            for one in self.opened[:-1]
        )
        return script if script.launch is None else dataclasses.replace(script, latency_seconds=script.launch(before))

    def run(self, request: Run) -> Ran:
        """Time one slice by the scripted clock."""
        self.ran.append(request)
        model = self._model(request.handle)
        try:
            if not request.energy:
                return model.run(request)
            # Any target has the same source here; it is the model that draws.
            ran, used = self._energy.around(request.handle, lambda: model.run(request))
            return dataclasses.replace(ran, energy=used)
        except AgentFailed:
            self.close(request.handle)
            raise

    def idle(self, request: Idle) -> Idled:
        """Let time pass by the scripted clock."""
        _, used = self._energy.around("", lambda: self.clock.advance(request.seconds, cores=0.0))
        return Idled(energy=used, window_seconds=self._energy.window_seconds(""))

    def enforce(self, request: Enforce) -> Enforced:
        """Hold the scripted peak against the limit."""
        if self._scenario.no_controller is not None:
            return Enforced(
                limit_bytes=request.limit_bytes, lived=None, oom_kills=None, reason=self._scenario.no_controller
            )
        opened = self.open(request.model)
        self.close(request.model.handle)
        assert opened.memory is not None
        killed = opened.memory.peak_bytes > request.limit_bytes
        return Enforced(
            limit_bytes=request.limit_bytes,
            lived=not killed,
            oom_kills=int(killed),
            reason="the scripted kernel killed it" if killed else None,
            charged_peak_bytes=min(opened.memory.peak_bytes, request.limit_bytes),
        )

    def _source(self, handle: str) -> EnergySource:
        """The scripted source, while the model of that handle runs; nothing runs under the empty one."""
        idle = self._scenario.idle_watts
        if idle is None:
            raise Unreadable("nothing tells the energy of this scripted machine")
        return ScriptedEnergy(self.clock, idle + self._drawn.get(handle, 0.0))

    def evaluate(self, request: Evaluate) -> Evaluated:
        """Compute outputs with the script's function."""
        return self._model(request.handle).evaluate(request)

    def close(self, handle: str) -> None:
        """Forget one model; an unknown handle is no error."""
        self._models.pop(handle, None)

    def _model(self, handle: str) -> Model:
        if handle not in self._models:
            raise InputError(f"no model is open under the handle {handle}; open it first")
        return self._models[handle]

    def _status(self, name: str) -> TargetStatus:
        reason = self._scenario.unavailable.get(name)
        return TargetStatus(
            name=name,
            summary=f"{name}, scripted",
            available=reason is None,
            version=None if reason else "fake",
            reason=reason,
            remedy="change the scenario" if reason else None,
        )


def _parity(script: Script, request: Open) -> DeviceParity | None:
    if request.golden is None or request.tolerance is None:
        return None
    error = script.parity_error
    return DeviceParity(max_abs_error=error, tolerance=request.tolerance, passed=error <= request.tolerance)
