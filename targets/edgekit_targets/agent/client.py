"""A controller's end: an agent in a process of its own, reached by pipes (a local Python, or ssh)."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
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
    Enforce,
    Evaluate,
    Evaluated,
    Failed,
    Hello,
    Idle,
    Idled,
    Open,
    Opened,
    Ran,
    Run,
    Welcome,
)
from edgekit_targets.agent.silence import VARIABLE as SILENCE
from edgekit_targets.agent.wire import as_error, read_reply, write_request
from edgekit_targets.errors import AgentFailed, AgentGone, InputError
from edgekit_targets.spawn import environment, python_module, say_exit
from edgekit_targets.types.profile import Enforced

_END_SECONDS = 10.0
_TAIL_LINES = 100
_START_SECONDS, _GREETING_LINES = 60.0, 1000
_QUOTED_BYTES = 60
Reply = TypeVar("Reply")
Failure = TypeVar("Failure", bound=AgentFailed)


class LocalAgent:
    """Starts an agent, and ends it and everything it started when the ``with`` block ends.

    The agent runs in a session of its own, so Ctrl-C in the terminal reaches the controller alone: it closes the pipe,
    and the agent goes without a word.
    """

    def __init__(
        self, argv: Sequence[str] | None = None, *, after: str | None = None, beat_seconds: float | None = None
    ) -> None:
        """Remember the command line; by default this interpreter runs the agent of this installation.

        What is said before the line ``after`` is no answer: a login shell may greet. With ``beat_seconds`` an agent
        across a network is told so often that somebody is there.
        """
        self._local = argv is None
        self._after = after
        self._beat_seconds = beat_seconds
        self._writing, self._ended = threading.Lock(), threading.Event()
        self._argv = python_module("edgekit_targets") if argv is None else list(argv)
        self._process: subprocess.Popen[bytes] | None = None
        self._gone: str | None = None
        self._number = 0
        self._tail: deque[bytes] = deque(maxlen=_TAIL_LINES)

    def __enter__(self) -> Self:
        """Start the process.

        Raises:
            AgentFailed: it cannot be started.
        """
        if self._local and not hasattr(select, "poll"):
            raise AgentFailed("agents run on Linux and macOS only; on Windows run edgekit inside WSL")
        try:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # One that a device's own command starts is no agent across a network, and hears no beat.
                env={name: text for name, text in environment().items() if name != SILENCE} if self._local else None,
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
        if self._beat_seconds is not None:
            threading.Thread(target=self._beat, args=(self._process, self._beat_seconds), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the agent's input and wait for it; kill it and its workers if it stays."""
        self._end(_END_SECONDS)

    def hello(self, *, exclusive: bool = False, controller: str | None = None) -> Welcome:
        """The machine's facts and targets; called first. With ``exclusive`` nobody else may measure meanwhile."""
        welcome = self._ask(Hello(exclusive=exclusive, controller=controller), Welcome)
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

    def idle(self, request: Idle) -> Idled:
        """Tell the energy of doing nothing."""
        return self._ask(request, Idled)

    def enforce(self, request: Enforce) -> Enforced:
        """Run one model inside a memory limit, in a process of its own that is gone afterwards."""
        return self._ask(request, Enforced)

    def close(self, handle: str) -> None:
        """End one worker; closing an unknown handle is no error."""
        self._ask(Close(handle=handle), Closed)

    def _skip(self, mark: bytes) -> None:
        try:
            for _ in range(_GREETING_LINES):
                if next_line(self._reader, _START_SECONDS, self._stderr, self._keep).strip() == mark:
                    return
        except EOFError as error:
            raise self._lost(f"the agent {say_exit(self._end(_END_SECONDS))}") from error
        except (TimeoutError, InputError) as error:
            self._end(0.0)
            raise self._lost(f"the agent did not start in {_START_SECONDS:.0f} s") from error
        self._end(0.0)
        raise self._lost("the agent did not start: the device says other things without end")

    def _ask(self, request: Any, kind: type[Reply]) -> Reply:
        if self._gone is not None:
            raise AgentGone(self._gone)
        process = self._process
        if process is None or process.stdin is None:
            raise RuntimeError("the agent is used outside its with block")
        self._number += 1
        limit = limit_seconds(request) + GRACE_SECONDS
        line = b""
        try:
            with self._writing:
                process.stdin.write(write_request(self._number, request))
                process.stdin.flush()
            line = next_line(self._reader, limit, self._stderr, self._keep)
            number, reply = read_reply(line)
        except (BrokenPipeError, EOFError) as error:
            raise self._lost(f"the agent {say_exit(self._end(_END_SECONDS))}") from error
        except TimeoutError as error:
            self._end(0.0)
            raise self._lost(f"the agent gave no answer in {limit:.0f} s") from error
        except InputError as error:
            self._end(0.0)
            raise self._lost(f"the agent's answer makes no sense: {error}{self._quoted(line)}") from error
        if isinstance(reply, Failed):
            told = as_error(reply)
            raise self._said(AgentFailed(str(told))) if isinstance(told, AgentFailed) else told
        if number != self._number or not isinstance(reply, kind):
            self._end(0.0)
            raise self._lost(f"the agent answered {type(reply).__name__} to {type(request).__name__}")
        return reply

    def _beat(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        assert process.stdin is not None
        while not self._ended.wait(seconds):
            # Whoever asks next is told of an agent that is gone; one that ended has its input closed.
            with contextlib.suppress(OSError, ValueError), self._writing:
                process.stdin.write(b"\n")
                process.stdin.flush()

    def _quoted(self, line: bytes) -> str:
        """How it began, and what is to be done about that where the agent was reached through a login."""
        if not line:
            return ""
        begin = "".join(one if one.isprintable() else "?" for one in line[:_QUOTED_BYTES].decode("utf-8", "replace"))
        remedy = "" if self._local else "; what a login prints on that machine must not go to its standard output"
        return f' (it began "{begin}"{remedy})'

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

    def _lost(self, message: str) -> AgentGone:
        """The error of an agent that has ended; it is raised again whatever is asked of it later."""
        error = self._said(AgentGone(message))
        self._gone = str(error)
        return error

    def _said(self, error: Failure) -> Failure:
        """The error, with the last line that was said on standard error; the lines before it as notes."""
        if self._process is not None:
            self._drain()
        lines = [line.decode("utf-8", "replace").rstrip() for line in self._tail]
        self._tail.clear()
        told = type(error)(f"{error}: {lines[-1].strip()}" if lines else str(error))
        for line in lines[:-1]:
            told.add_note(line)
        return told

    def _end(self, seconds: float) -> int:
        """End the process; gives its return code."""
        process = self._process
        if process is None:
            return 0
        self._process = None
        self._ended.set()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            return process.wait()
        finally:
            self._drain()
            for pipe in (process.stdout, process.stderr):
                assert pipe is not None
                pipe.close()
