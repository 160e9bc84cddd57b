"""A worker process as its agent sees it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from edgekit_targets.agent.lines import LineReader
from edgekit_targets.agent.protocol import Open
from edgekit_targets.errors import AgentFailed
from edgekit_targets.spawn import environment, python_module

_END_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1
_LINUX = sys.platform.startswith("linux")
_PRCTL: Any = ctypes.CDLL(None).prctl if _LINUX else None


class WorkerProcess:
    """Started for one request to open a model."""

    def __init__(self, request: Open, join: Callable[[], None] | None = None) -> None:
        """Start it; ``join`` is called in the new process before anything else.

        Raises:
            AgentFailed: no process could be started.
        """
        self.target = request.target
        self.what = f"{Path(request.file).name} on {request.target}"
        try:
            self.process = subprocess.Popen(
                python_module("edgekit_targets.agent.worker"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment(),
                preexec_fn=partial(_prepare, join),  # safe: the agent has no other thread now
            )
        except OSError as error:
            raise AgentFailed(f"no process could be started for {self.what}: {error.strerror}") from error
        except subprocess.SubprocessError as error:
            raise AgentFailed(f"no process could be started for {self.what} inside the limit") from error
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


def end_with_parent() -> None:
    """In a new process, before anything else: be killed when the process that started it ends (on Linux only)."""
    if _LINUX:
        parent = os.getppid()
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def _prepare(join: Callable[[], None] | None) -> None:
    """In the new process, before it becomes a worker: a run must not outlive an agent that was killed.

    A worker whose agent has ended as it should goes with its input; only Linux ends it in the middle of a run.
    """
    end_with_parent()
    if join is not None:
        join()
