"""One model on one target, in the process that holds it: load, time, evaluate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from edgekit_targets.agent.protocol import Evaluate, Evaluated, Open, Opened, Ran, Run
from edgekit_targets.errors import InputError
from edgekit_targets.hardware.surroundings import Surroundings
from edgekit_targets.measure.clock import Clock
from edgekit_targets.measure.device_memory import DeviceMarks
from edgekit_targets.measure.latency import Slice, time_slice
from edgekit_targets.measure.memory import Meter
from edgekit_targets.measure.pace import time_paced
from edgekit_targets.runtimes.carried import fed, input_shapes
from edgekit_targets.runtimes.contract import Array, Session, Target
from edgekit_targets.types.manifest import State
from edgekit_targets.types.profile import Memory

MAX_THREADS = 1024
_MAX_ELEMENTS = 1 << 28
_QUIET_RUNS, _MOST_RUNS = 2, 8
_GROWTH_BYTES = 1 << 16
"""Python itself comes and goes by so much."""
_SPIKE_BYTES = 1 << 20
"""Of a mark: the kernel counts resident pages in batches, and what a slice records takes some too."""


class Model:
    """Does what a worker is asked to do. The clock, the meter and the surroundings are passed in, to be scripted."""

    def __init__(self, target: Target, clock: Clock, meter: Meter, surroundings: Surroundings) -> None:
        """Stand ready to load one model on ``target``."""
        self._target = target
        self._clock = clock
        self._meter = meter
        self._surroundings = surroundings
        self._session: Session | None = None
        self._feeds: dict[str, Array] = {}
        self._states: tuple[State, ...] = ()
        self._steady = 0
        self._peak = 0

    def open(self, request: Open) -> Opened:
        """Load the model, run it once, and compare the golden outputs where asked to.

        Memory is honest only in this order: everything that is not the model's (the runtime, its plugin, the arrays to
        feed) is in the process before the baseline is read, and everything that is not needed by the model (the golden
        outputs) comes after the last peak.

        Raises:
            InputError: a wrong setting, or a file the runtime cannot load or run.
            MissingExtra: the runtime is not installed.
            CheckFailed: an output of the golden samples has a wrong shape or is not finite.
        """
        _check(request)
        conditions = self._surroundings.conditions()
        version = self._target.prepare()
        from edgekit_targets.agent import arrays, golden

        known = {} if request.golden is None else arrays.load(Path(request.golden), arrays.INPUT)
        if request.states:
            known = {name: value[:, 0] for name, value in known.items() if value.ndim > 1}
        path = Path(request.file)
        signature = self._target.check(path)
        feeds = arrays.timing_feeds(request.inputs, known, fed(signature.inputs, request.states))
        del known
        shapes = None
        if request.options.fixed_shapes:
            given = {name: value.shape for name, value in feeds.items()}
            shapes = input_shapes(signature.inputs, request.states, given)
        device = DeviceMarks(self._target.device_meter())
        device.mark()
        measured = self._meter.reason is None
        baseline = self._mark() if measured else 0
        files = self._meter.files() if measured else None

        now = self._clock.now
        start = now()
        session = self._target.open(path, request.options, signature, shapes)
        load_seconds = (now() - start) / 1e9
        load_peak = self._meter.peak() if measured else 0

        device.mark()

        self._session = session
        self._feeds, self._states = feeds, request.states
        if measured:
            self._mark()
        start = now()
        session.bind(feeds, self._states)
        first_run_seconds = (now() - start) / 1e9
        self._settle(session.run, self._meter.resident if measured else lambda: 0)
        run_peak = self._peak = self._meter.peak() if measured else 0
        steady = self._steady = self._meter.resident() if measured else 0
        files_now = self._meter.files() if measured else None
        process_peak = None if measured else self._meter.process_peak()
        device.mark()

        parity = None
        if request.golden is not None and request.tolerance is not None:
            parity = golden.check(session, Path(request.golden), request.tolerance, self._states)
            session.bind(self._feeds, self._states)
        return Opened(
            handle=request.handle,
            runtime_version=version,
            inputs=session.inputs,
            outputs=session.outputs,
            load_seconds=load_seconds,
            first_run_seconds=first_run_seconds,
            memory=Memory(
                baseline_bytes=baseline,
                load_peak_bytes=load_peak,
                run_peak_bytes=run_peak,
                steady_bytes=steady,
                added_file_bytes=None if files is None or files_now is None else files_now - files,
            )
            if measured
            else None,
            parity=parity,
            warnings=tuple(
                note
                for note in (self._meter.reason, device.reason, *self._target.notes, session.facts.refused)
                if note is not None
            ),
            facts=session.facts,
            device_memory=device.memory(),
            conditions=conditions,
            process_peak_bytes=process_peak,
        )

    def run(self, request: Run) -> Ran:
        """Time one slice; what else the machine did meanwhile is told along.

        Only what grows while it runs is added to what was resident when it had settled: the process holds more by now
        that is not the model's (what the golden outputs left behind, the reply to ``open``). A run that takes much more
        than the first ones did, and gives it back, shows in the high-water mark alone.
        """
        run = self._opened().run
        measured = self._meter.reason is None
        before = self._surroundings.look()
        resident, mark = (self._meter.resident(), self._remark()) if measured else (0, 0)
        timed = self._time(run, request)
        if measured:
            spike = self._steady + self._meter.peak() - mark
            self._peak = spike if spike > self._peak + _SPIKE_BYTES else self._peak
            self._steady += self._meter.resident() - resident
        seen = self._surroundings.since(before)
        return Ran(
            handle=request.handle,
            seconds=() if request.energy else timed.seconds,
            cpu_seconds=timed.cpu_seconds,
            wall_seconds=timed.wall_seconds,
            warmup_runs=timed.warmup_runs,
            steady_bytes=self._steady if measured else None,
            peak_bytes=self._peak if measured else None,
            warnings=seen.remarks,
            response_seconds=None if request.energy else timed.response_seconds,
            inferences=timed.warmup_runs + len(timed.seconds) if request.energy else None,
            disturbances=seen.disturbances,
            conditions=seen.conditions,
            yardstick_seconds=seen.yardstick_seconds,
        )

    def _time(self, run: Callable[[], object], request: Run) -> Slice:
        much, longest, warmup = request.samples, request.max_seconds, request.warmup_seconds
        if request.every_seconds is None:
            return time_slice(run, self._clock, samples=much, max_seconds=longest, warmup_seconds=warmup)
        return time_paced(
            run,
            self._clock,
            samples=much,
            max_seconds=longest,
            warmup_seconds=warmup,
            every_seconds=request.every_seconds,
        )

    def evaluate(self, request: Evaluate) -> Evaluated:
        """Compute the outputs of many samples and write them; the timed runs' buffers are bound again afterwards."""
        from edgekit_targets.agent import arrays, golden

        session = self._opened()
        inputs = arrays.load(Path(request.inputs), arrays.INPUT)
        samples = _rows(inputs) if request.whole else golden.count_samples(inputs)
        answers = golden.run_samples(session, inputs, whole=request.whole, states=self._states)
        arrays.save(Path(request.outputs), arrays.OUTPUT, answers)
        session.bind(self._feeds, self._states)
        return Evaluated(handle=request.handle, samples=samples)

    def _opened(self) -> Session:
        if self._session is None:
            raise InputError("no model is open here; open one first")
        return self._session

    def _settle(self, run: Callable[[], object], resident: Callable[[], int]) -> None:
        """Run until nothing grows any more.

        ONNX Runtime's arena may take as much again for the second run as for the first: an output that stays bound
        splits the block that the first one left (256 MiB after one run, 496 MiB after two, for one large tensor).
        """
        most, quiet, runs = resident(), 0, 0
        while quiet < _QUIET_RUNS and runs < _MOST_RUNS:
            run()
            runs += 1
            found = resident()
            quiet = quiet + 1 if found <= most + _GROWTH_BYTES else 0
            most = max(most, found)

    def _mark(self) -> int:
        """Set the high-water mark back to what is resident, without what Python has yet to throw away; give that."""
        self._meter.tidy()
        self._meter.reset()
        return self._meter.resident()

    def _remark(self) -> int:
        """Set the high-water mark back and give it, as the kernel counts it."""
        self._meter.reset()
        return self._meter.peak()


def _check(request: Open) -> None:
    if not 1 <= request.options.threads <= MAX_THREADS:
        raise InputError(f"--threads must be between 1 and {MAX_THREADS}, not {request.options.threads}")
    for name, shape in request.inputs.items():
        if any(size < 1 for size in shape) or math.prod(shape) > _MAX_ELEMENTS:
            raise InputError(
                f"--shape {name}={'x'.join(map(str, shape))}: every size must be at least 1, and the whole fit"
            )


def _rows(inputs: Mapping[str, Array]) -> int:
    """What one feed holds along the first axis of its first input, which may count steps."""
    return next((value.shape[0] for value in inputs.values() if value.ndim), 1)
