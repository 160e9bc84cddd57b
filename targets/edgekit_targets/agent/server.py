"""The agent: one loop on the device that starts a worker for each model and passes lines to it and back.

Standard library only, so it starts anywhere Python does and can say what is missing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, BinaryIO

from edgekit_targets import __version__
from edgekit_targets.agent.limits import limit_seconds
from edgekit_targets.agent.lines import LineReader, claim_stdout, next_line
from edgekit_targets.agent.lock import hold
from edgekit_targets.agent.protocol import PROTOCOL, Close, Closed, Evaluate, Failed, Hello, Open, Run, Welcome
from edgekit_targets.agent.wire import failure, peek_id, read_reply, read_request, write_reply
from edgekit_targets.errors import DISTRIBUTION, AgentFailed, CheckFailed, EdgekitError, InputError, MissingExtra
from edgekit_targets.files import sha256_of
from edgekit_targets.hardware.describe import describe
from edgekit_targets.runtimes import find, statuses
from edgekit_targets.runtimes.packages import present
from edgekit_targets.spawn import environment, python_module, say_exit

_END_SECONDS = 5.0


class _Gone(Exception):
    """The controller has closed our input."""


class _Worker:
    """A worker process as the agent sees it."""

    def __init__(self, request: Open) -> None:
        self.what = f"{Path(request.file).name} on {request.target}"
        try:
            self.process = subprocess.Popen(
                python_module("edgekit_targets.agent.worker"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment(),
            )
        except OSError as error:
            raise AgentFailed(f"no process could be started for {self.what}: {error.strerror}") from error
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin = self.process.stdin
        self.reader = LineReader(self.process.stdout.fileno())

    def end(self) -> int:
        """Close its input; kill it if it does not go. Gives its return code."""
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        try:
            return self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return self.kill()
        finally:
            self.close()

    def kill(self) -> int:
        """End it now."""
        self.process.kill()
        return self.process.wait()

    def close(self) -> None:
        """Let go of its output."""
        if self.process.stdout is not None:
            self.process.stdout.close()


class Server:
    """Answers a controller on a pair of pipes."""

    def __init__(self, source: int, sink: BinaryIO) -> None:
        """Read requests from the descriptor ``source``, write replies to ``sink``."""
        self._reader = LineReader(source)
        self._sink = sink
        self._workers: dict[str, _Worker] = {}
        self._lock: int | None = None

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
            line = next_line(self._reader, None)
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
                self._lock = hold()
            return write_reply(number, welcome)
        if isinstance(request, Open):
            return self._open(request, line)
        if isinstance(request, (Run, Evaluate)):
            if request.handle not in self._workers:
                raise InputError(f"no model is open under the handle {request.handle}; open it first")
            return self._ask(request, line)
        assert isinstance(request, Close)
        worker = self._workers.pop(request.handle, None)
        if worker is not None:
            worker.end()
        return write_reply(number, Closed(handle=request.handle))

    def _open(self, request: Open, line: bytes) -> bytes:
        if request.handle in self._workers:
            raise InputError(f"the handle {request.handle} is in use; close it first")
        target = find(request.target)
        if not present("numpy"):  # a worker cannot even start without it
            raise MissingExtra("numpy", target.extra)
        _check_hash(request)
        self._workers[request.handle] = _Worker(request)
        reply = self._ask(request, line)
        if isinstance(read_reply(reply)[1], Failed):
            self._workers.pop(request.handle).end()
        return reply

    def _ask(self, request: Open | Run | Evaluate, line: bytes) -> bytes:
        """Pass a line to a worker and wait for its answer, with an eye on our own input: it may end first."""
        worker = self._workers[request.handle]
        limit = limit_seconds(request)
        try:
            worker.stdin.write(line + b"\n")
            worker.stdin.flush()
            return next_line(worker.reader, limit, self._reader, self._heard) + b"\n"
        except (EOFError, BrokenPipeError) as error:
            end = say_exit(self._workers.pop(request.handle).end())
            raise AgentFailed(f"the process that ran {worker.what} {end}") from error
        except TimeoutError as error:
            self._workers.pop(request.handle).kill()
            worker.close()
            raise AgentFailed(f"the process that ran {worker.what} gave no answer in {limit:.0f} s") from error

    def _heard(self) -> None:
        if self._reader.ended:
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
    """Serve standard input and output. Ctrl-C and a hang-up end the agent without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sink = claim_stdout()
    Server(os.dup(0), sink).serve()
