"""The same work on several devices at once: each ends in its own result or its own line, whatever the others do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from edgekit.devices.failures import DeviceLost
from edgekit_targets.errors import EdgekitError
from edgekit_targets.progress import Progress

TRIES = 3
PAUSE_SECONDS = 20.0
"""Between tries: about what a small board takes to restart."""
_LOOK_SECONDS = 0.2
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Outcome(Generic[Result]):
    """What became of one device: a result, or the error that ended it."""

    device: str
    result: Result | None
    error: EdgekitError | None


def on_each(
    devices: Sequence[str],
    work: Callable[[str, Progress], Result],
    progress: Progress,
    *,
    tries: int = TRIES,
    pause_seconds: float | None = None,
    at_once: int | None = None,
    ended: Callable[[Outcome[Result]], None] = lambda outcome: None,
) -> list[Outcome[Result]]:
    """Run ``work(device, progress)`` for all devices at the same time.

    A device that is lost is tried again; work that keeps what it has goes on from there.

    Args:
        devices: names, each once.
        work: raises :class:`EdgekitError` for what ends this device alone.
        progress: told by all of them, under stages that name the device where there are several.
        tries: how often a device is tried that is lost each time.
        pause_seconds: between two tries; by default 20.
        at_once: how many are worked on at a time; by default all.
        ended: told of each device when it has ended, by the thread that worked on it.

    Raises:
        KeyboardInterrupt: after every device has ended; each is interrupted the next time it tells its progress.
    """
    stop = threading.Event()
    pause = PAUSE_SECONDS if pause_seconds is None else pause_seconds

    def one(device: str) -> Outcome[Result]:
        def told(stage: str, done: float, total: float) -> None:
            if stop.is_set():
                raise KeyboardInterrupt
            progress(f"{device}: {stage}" if len(devices) > 1 else stage, done, total)

        outcome = _tried(device, lambda: work(device, told), stop, tries, pause)
        ended(outcome)
        return outcome

    if len(devices) == 1:  # in this thread, where Ctrl-C is heard at once
        return [one(devices[0])]
    workers = max(1, min(len(devices), at_once or len(devices)))
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="device") as pool:
        futures = [pool.submit(one, device) for device in devices]
        try:
            _wait(futures)
        except BaseException:  # Ctrl-C, or a bug
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _tried(
    device: str, work: Callable[[], Result], stop: threading.Event, tries: int, pause_seconds: float
) -> Outcome[Result]:
    lost: DeviceLost | None = None
    for count in range(tries):
        if count and stop.wait(pause_seconds):
            raise KeyboardInterrupt
        try:
            return Outcome(device=device, result=work(), error=None)
        except DeviceLost as error:
            lost = error
        except EdgekitError as error:
            return Outcome(device=device, result=None, error=error)
    assert lost is not None
    times = "once" if tries == 1 else f"{tries} times"
    return Outcome(device=device, result=None, error=DeviceLost(f"{lost} (tried {times})"))


def _wait(futures: Sequence[Future[Outcome[Result]]]) -> None:
    """Wait in small steps, so that Ctrl-C is heard; a bug in the work of one device ends all."""
    left = set(futures)
    while left:
        done, left = wait(left, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            if (bug := future.exception()) is not None and not isinstance(bug, KeyboardInterrupt):
                raise bug
