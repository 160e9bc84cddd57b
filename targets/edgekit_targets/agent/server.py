"""The agent: one loop on the device that starts a worker for each model and passes lines to it and back.

Standard library only, so it starts anywhere Python does and can say what is missing.
"""

from __future__ import annotations

import dataclasses
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

from edgekit_targets import __version__
from edgekit_targets.agent.energy import EnergyReader
from edgekit_targets.agent.limits import limit_seconds
from edgekit_targets.agent.lines import LineReader, claim_stdout, fill_ready, next_line
from edgekit_targets.agent.lock import hold_for
from edgekit_targets.agent.process import WorkerProcess
from edgekit_targets.agent.protocol import (
    PROTOCOL,
    Close,
    Closed,
    Enforce,
    Evaluate,
    Failed,
    Hello,
    Idle,
    Idled,
    Open,
    Ran,
    Run,
    Welcome,
)
from edgekit_targets.agent.silence import VARIABLE, Silent, end_on_silence
from edgekit_targets.agent.wire import failure, peek_id, read_reply, read_request, write_reply, write_request
from edgekit_targets.errors import DISTRIBUTION, AgentFailed, CheckFailed, EdgekitError, InputError, MissingExtra
from edgekit_targets.files import sha256_of
from edgekit_targets.hardware.describe import describe
from edgekit_targets.hardware.memory_limit import LimitedGroup, Unavailable
from edgekit_targets.runtimes import find, statuses
from edgekit_targets.runtimes.packages import present
from edgekit_targets.spawn import say_exit
from edgekit_targets.types.profile import Enforced

MAX_IDLE_SECONDS = 600.0


class _Gone(Exception):
    """The controller has closed our input."""


class Server:
    """Answers a controller on a pair of pipes."""

    def __init__(self, source: int, sink: BinaryIO) -> None:
        """Read requests from the descriptor ``source``, write replies to ``sink``."""
        self.reader = LineReader(source)
        self._sink = sink
        self._workers: dict[str, WorkerProcess] = {}
        self._lock: int | None = None
        self._energy = EnergyReader()

    def serve(self) -> None:
        """Answer until the input ends; then no worker is left."""
        try:
            while True:
                self._sink.write(self._next_reply())
                self._sink.flush()
        except (_Gone, BrokenPipeError):
            pass
        finally:
            for worker in self._workers.values():
                worker.kill()
                worker.close()
            if self._lock is not None:
                os.close(self._lock)

    def _next_reply(self) -> bytes:
        try:
            line = b""
            while not line.strip():  # an empty line says that the controller is there
                line = next_line(self.reader, None)
        except EOFError as error:
            raise _Gone from error
        except InputError as error:
            return write_reply(0, failure(error))
        try:
            number, request = read_request(line)
        except InputError as error:
            return write_reply(peek_id(line), failure(error))
        try:
            return self._answer(number, request, line)
        except EdgekitError as error:
            return write_reply(number, failure(error))

    def _answer(self, number: int, request: Any, line: bytes) -> bytes:
        if isinstance(request, Hello):
            welcome = _welcome(request)
            if request.exclusive and self._lock is None:
                self._lock = hold_for(request.controller)
            return write_reply(number, welcome)
        if isinstance(request, Open):
            return self._open(request, line)
        if isinstance(request, (Run, Evaluate)):
            if request.handle not in self._workers:
                raise InputError(f"no model is open under the handle {request.handle}; open it first")
            if isinstance(request, Run) and request.energy:
                return self._run_for_energy(number, request, line)
            return self._ask(request, line)
        if isinstance(request, Idle):
            return write_reply(number, self._idle(request))
        if isinstance(request, Enforce):
            return write_reply(number, self._enforce(request))
        assert isinstance(request, Close)
        worker = self._workers.pop(request.handle, None)
        if worker is not None:
            worker.end()
        return write_reply(number, Closed(handle=request.handle))

    def _open(self, request: Open, line: bytes) -> bytes:
        self._check(request)
        self._workers[request.handle] = WorkerProcess(request)
        reply = self._ask(request, line)
        if isinstance(read_reply(reply)[1], Failed):
            self._workers.pop(request.handle).end()
        return reply

    def _check(self, request: Open) -> None:
        """Refuse what no process needs to be started for."""
        if request.handle in self._workers:
            raise InputError(f"the handle {request.handle} is in use; close it first")
        target = find(request.target)
        if not present("numpy"):  # a worker cannot even start without it
            raise MissingExtra("numpy", target.extra)
        _check_hash(request)

    def _run_for_energy(self, number: int, request: Run, line: bytes) -> bytes:
        target = self._workers[request.handle].target
        reply, used = self._energy.around(target, lambda: self._ask(request, line))
        ran = read_reply(reply)[1]
        return write_reply(number, dataclasses.replace(ran, energy=used)) if isinstance(ran, Ran) else reply

    def _idle(self, request: Idle) -> Idled:
        if not 0.0 <= request.seconds <= MAX_IDLE_SECONDS:
            raise InputError(f"seconds must be between 0 and {MAX_IDLE_SECONDS:.0f}, not {request.seconds}")
        window = self._energy.window_seconds(find(request.target).name)

        def wait() -> None:
            end = time.monotonic() + request.seconds
            while (left := end - time.monotonic()) > 0:
                fill_ready([self.reader], left)
                self._heard()

        _, used = self._energy.around(request.target, wait)
        return Idled(energy=used, window_seconds=window)

    def _enforce(self, request: Enforce) -> Enforced:
        """Open and run one model inside a limit; whatever happens to it is the answer."""
        self._check(request.model)
        try:
            with LimitedGroup(request.limit_bytes) as group:
                reason = self._try(request, group)
                kills, peak = group.kills(), group.peak_bytes()
        except Unavailable as error:
            return Enforced(limit_bytes=request.limit_bytes, lived=None, oom_kills=None, reason=str(error))
        lived = False if kills else None if reason is not None else True
        return Enforced(
            limit_bytes=request.limit_bytes,
            lived=lived,
            oom_kills=kills,
            reason="the kernel killed it for want of memory" if kills else reason,
            charged_peak_bytes=peak,
        )

    def _try(self, request: Enforce, group: LimitedGroup) -> str | None:
        """Why it failed, or nothing."""
        handle = request.model.handle
        try:
            self._workers[handle] = WorkerProcess(request.model, group.join)
            for step in (request.model, dataclasses.replace(request.run, handle=handle, energy=False)):
                told = read_reply(self._ask(step, write_request(1, step).rstrip(b"\n")))[1]
                if isinstance(told, Failed):
                    return told.message
        except AgentFailed as error:
            return str(error)
        finally:
            worker = self._workers.pop(handle, None)
            if worker is not None:
                worker.kill()
                worker.close()
        return None

    def _ask(self, request: Open | Run | Evaluate, line: bytes) -> bytes:
        """Pass a line to a worker and wait for its answer, with an eye on our own input: it may end first."""
        worker = self._workers[request.handle]
        limit = limit_seconds(request)
        try:
            worker.stdin.write(line + b"\n")
            worker.stdin.flush()
            return next_line(worker.reader, limit, self.reader, self._heard) + b"\n"
        except (EOFError, BrokenPipeError) as error:
            end = say_exit(self._workers.pop(request.handle).end())
            raise AgentFailed(f"the process that ran {worker.what} {end}") from error
        except TimeoutError as error:
            self._workers.pop(request.handle).kill()
            worker.close()
            raise AgentFailed(f"the process that ran {worker.what} gave no answer in {limit:.0f} s") from error

    def _heard(self) -> None:
        if self.reader.ended:
            raise _Gone


def _check_hash(request: Open) -> None:
    """Measure only the file that was meant.

    Raises:
        InputError: the file cannot be read.
        CheckFailed: it is another one.
    """
    path = Path(request.file)
    found = sha256_of(path)
    if found != request.sha256:
        raise CheckFailed(
            f"{path} is not the file that was asked for (sha256 {found[:12]}..., expected {request.sha256[:12]}...)"
        )


def _welcome(request: Hello) -> Welcome:
    if request.protocol != PROTOCOL:
        raise InputError(
            f"the device's edgekit {__version__} speaks protocol {PROTOCOL}, yours {request.protocol}; "
            f"install the same version of {DISTRIBUTION} on both"
        )
    return Welcome(protocol=PROTOCOL, edgekit_version=__version__, device=describe(), targets=statuses())


def main() -> None:
    """Serve standard input and output. Ctrl-C, a hang-up and a silent controller end the agent without a traceback."""
    if not hasattr(select, "poll"):
        sys.exit("the agent runs on Linux and macOS only; on Windows run it inside WSL")
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sink = claim_stdout()
    server = Server(os.dup(0), sink)
    silence = os.environ.pop(VARIABLE, None)
    try:
        if silence is not None:
            end_on_silence(server.reader, float(silence))
        server.serve()
    except Silent:
        os._exit(0)  # an answer that was not taken would be written once more, and wait for ever
