"""A controller's end: an agent in a process of its own, reached by pipes (a local Python, or ssh)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from edgekit_targets.agent.limits import GRACE_SECONDS, limit_seconds
from edgekit_targets.agent.lines import LineReader, fill_ready, next_line
from edgekit_targets.agent.protocol import (
    PROTOCOL,
    Close,
    Closed,
    Evaluate,
    Evaluated,
    Failed,
    Hello,
    Open,
    Opened,
    Ran,
    Run,
    Welcome,
)
from edgekit_targets.agent.wire import as_error, read_reply, write_request
from edgekit_targets.errors import AgentFailed, InputError
from edgekit_targets.spawn import environment, python_module, say_exit

_END_SECONDS = 10.0
_TAIL_LINES = 100
_START_SECONDS, _GREETING_LINES = 60.0, 1000
Reply = TypeVar("Reply")


class LocalAgent:
    """Starts an agent, and ends it and everything it started when the ``with`` block ends.

    The agent runs in a session of its own, so Ctrl-C in the terminal reaches the controller alone: it closes the pipe,
    and the agent goes without a word.
    """

    def __init__(self, argv: Sequence[str] | None = None, *, after: str | None = None) -> None:
        """Remember the command line; by default this interpreter runs the agent of this installation.

        What is said before the line ``after`` is no answer: a login shell may greet.
        """
        self._local = argv is None
        self._after = after
        self._argv = python_module("edgekit_targets") if argv is None else list(argv)
        self._process: subprocess.Popen[bytes] | None = None
        self._number = 0
        self._tail: deque[bytes] = deque(maxlen=_TAIL_LINES)

    def __enter__(self) -> Self:
        """Start the process.

        Raises:
            AgentFailed: it cannot be started.
        """
        try:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment() if self._local else None,
                start_new_session=True,
            )
        except OSError as error:
            raise AgentFailed(f"the agent could not be started: {self._argv[0]}: {error.strerror}") from error
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._reader = LineReader(self._process.stdout.fileno())
        self._stderr = LineReader(self._process.stderr.fileno(), limit=1 << 16)
        if self._after is not None:
            self._skip(self._after.encode("utf-8"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the agent's input and wait for it; kill it and its workers if it stays."""
        self._end(_END_SECONDS)

    def hello(self, *, exclusive: bool = False) -> Welcome:
        """The machine's facts and targets; called first. With ``exclusive`` nobody else may measure meanwhile."""
        welcome = self._ask(Hello(exclusive=exclusive), Welcome)
        if welcome.protocol != PROTOCOL:
            raise AgentFailed(f"the agent speaks protocol {welcome.protocol}, this edgekit {PROTOCOL}")
        return welcome

    def open(self, request: Open) -> Opened:
        """Load one model in a fresh process."""
        return self._ask(request, Opened)

    def run(self, request: Run) -> Ran:
        """Time one slice."""
        return self._ask(request, Ran)

    def evaluate(self, request: Evaluate) -> Evaluated:
        """Compute outputs for many samples."""
        return self._ask(request, Evaluated)

    def close(self, handle: str) -> None:
        """End one worker; closing an unknown handle is no error."""
        self._ask(Close(handle=handle), Closed)

    @property
    def alive(self) -> bool:
        """Whether it can still be asked; it cannot after it ended, or was ended because it made no sense."""
        return self._process is not None

    def _skip(self, mark: bytes) -> None:
        try:
            for _ in range(_GREETING_LINES):
                if next_line(self._reader, _START_SECONDS, self._stderr, self._keep).strip() == mark:
                    return
        except EOFError as error:
            raise self._failed(f"the agent {say_exit(self._end(_END_SECONDS))}") from error
        except (TimeoutError, InputError) as error:
            self._end(0.0)
            raise self._failed(f"the agent did not start in {_START_SECONDS:.0f} s") from error
        self._end(0.0)
        raise self._failed("the agent did not start: the device says other things without end")

    def _ask(self, request: Any, kind: type[Reply]) -> Reply:
        process = self._process
        if process is None or process.stdin is None:
            raise RuntimeError("the agent is used outside its with block")
        self._number += 1
        limit = limit_seconds(request) + GRACE_SECONDS
        try:
            process.stdin.write(write_request(self._number, request))
            process.stdin.flush()
            number, reply = read_reply(next_line(self._reader, limit, self._stderr, self._keep))
        except (BrokenPipeError, EOFError) as error:
            raise self._failed(f"the agent {say_exit(self._end(_END_SECONDS))}") from error
        except TimeoutError as error:
            self._end(0.0)
            raise self._failed(f"the agent gave no answer in {limit:.0f} s") from error
        except InputError as error:
            self._end(0.0)
            raise self._failed(f"the agent's answer makes no sense: {error}") from error
        if isinstance(reply, Failed):
            told = as_error(reply)
            raise self._failed(str(told)) if isinstance(told, AgentFailed) else told
        if number != self._number or not isinstance(reply, kind):
            self._end(0.0)
            raise self._failed(f"the agent answered {type(reply).__name__} to {type(request).__name__}")
        return reply

    def _keep(self) -> None:
        """Keep the end of what the agent and its workers say on standard error."""
        while True:
            try:
                line = self._stderr.take()
            except InputError:
                continue
            if line is None:
                return
            if line.strip():
                self._tail.append(line)

    def _drain(self) -> None:
        while not self._stderr.ended and fill_ready([self._stderr], 0.0):
            self._keep()

    def _failed(self, message: str) -> AgentFailed:
        """The error, with the last line that was said on standard error; the lines before it as notes."""
        if self._process is not None:
            self._drain()
        lines = [line.decode("utf-8", "replace").rstrip() for line in self._tail]
        self._tail.clear()
        error = AgentFailed(f"{message}: {lines[-1].strip()}" if lines else message)
        for line in lines[:-1]:
            error.add_note(line)
        return error

    def _end(self, seconds: float) -> int:
        """End the process; gives its return code."""
        process = self._process
        if process is None:
            return 0
        self._process = None
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()
        finally:
            self._drain()
            for pipe in (process.stdout, process.stderr):
                assert pipe is not None
                pipe.close()
