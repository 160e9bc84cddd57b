"""Real agents and workers seen from outside."""

from __future__ import annotations

import time
from pathlib import Path

from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.protocol import Run


def run(handle: str = "one", samples: int = 50, max_seconds: float = 2.0) -> Run:
    return Run(handle=handle, samples=samples, max_seconds=max_seconds, warmup_seconds=0.01)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def pid_of(agent: LocalAgent) -> int:
    process = agent._process
    assert process is not None
    return process.pid


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process ends in that time (a zombie has ended)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False
