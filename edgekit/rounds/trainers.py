"""Several pieces of work at a time (models trained, files exported), each in a process with the threads it has alone.

What comes out does not depend on it: the same job gives the same bytes in any process.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from multiprocessing.pool import Pool

Asked = TypeVar("Asked")
Given = TypeVar("Given")
_MOST = 8


def cores() -> int:
    """How many models to train at a time on this machine."""
    return min(_MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class Trainers:
    """A context manager; the processes start with the first work and end with it, whatever they are doing."""

    def __init__(self, workers: int = 1) -> None:
        """With one worker everything is done in this process."""
        self.workers = workers
        self._pool: Pool | None = None

    def __enter__(self) -> Self:
        """Nothing to do: processes start when there is work."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the processes at once."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool.join()
            self._pool = None

    def run(self, work: Callable[[Asked], Given], jobs: Sequence[Asked]) -> Iterator[Given]:
        """What ``work`` makes of each job, in order, as soon as it is there; its exceptions come here."""
        if self.workers == 1 or len(jobs) < 2:
            return map(work, jobs)
        if self._pool is None:
            # Not forked: torch keeps threads of its own, and a copy of their locks may never open.
            self._pool = multiprocessing.get_context("spawn").Pool(self.workers, initializer=_quiet)
        return self._pool.imap(work, jobs)


def _quiet() -> None:
    """Ctrl-C reaches every process of a terminal; these are ended by the one that started them, or with it.

    SIGTERM keeps its default: a handler in Python may never run in a process that waits for a lock of the pool.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Where that is killed nobody ends the processes of a pool, and they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
