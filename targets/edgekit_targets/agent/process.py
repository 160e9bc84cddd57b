"""A worker process as its agent sees it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path

from edgekit_targets.agent.lines import LineReader
from edgekit_targets.agent.protocol import Open
from edgekit_targets.errors import AgentFailed
from edgekit_targets.spawn import environment, python_module

_END_SECONDS = 5.0


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
                preexec_fn=join,  # safe: the agent has no other thread now
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
