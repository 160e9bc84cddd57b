"""A process that watches over one switch, goes back when it fails, and ends.

It is started before the switch, in a session of its own, so it lives on when a connection is lost or the installer is
killed. It learns that the installer has ended, however that came about, from a pipe that only the installer holds. It
does not outlive a restart of the machine: after one, the next use of the store goes back
(:meth:`edgekit_targets.releases.store.Store.recover`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from edgekit_targets.errors import AgentFailed, WriteFailed
from edgekit_targets.releases.store import Store
from edgekit_targets.spawn import environment, python_module

_READY = b"ready\n"
_LOOK_SECONDS = 1.0
_TRIES = 60


@contextlib.contextmanager
def watched(store: Store, release: str) -> Iterator[None]:
    """Have a process watch over the switch to ``release``; while a confirmation is waited for it stays.

    Raises:
        AgentFailed: it cannot be started, so nothing should be switched.
    """
    argv = python_module("edgekit_targets.releases.watchdog", str(store.root), store.name, release)
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise AgentFailed(f"no process could be started to watch over the switch: {error.strerror}") from error
    with process:  # what was started ends at once, the watchdog is its child
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.read() != _READY:
            raise AgentFailed("the process that would watch over the switch does not start; nothing was switched")
        yield


def watch(store: Store, release: str, sleep: Callable[[float], object] = time.sleep) -> None:
    """Go back from ``release`` when its confirmation does not come in time; ends when that is settled.

    The installer must have ended: a switch that is unfinished now has nobody else to finish it.

    Raises:
        WriteFailed: the disk refuses, many times.
        InputError: what the store has written down is damaged.
    """
    tries = 0
    while (pending := store.state().pending) is not None and pending.release == release:
        if store.waits() is not None:
            sleep(min(store.left_seconds(pending), _LOOK_SECONDS))
            continue
        try:
            with store.locked():
                store.recover()
        except WriteFailed:
            tries += 1
            if tries == _TRIES:
                raise
            sleep(_LOOK_SECONDS)


def main() -> None:
    """Leave the process that was started, say so, wait for the installer's end, and watch.

    All that is needed is imported before the word is given: the file it came from may be replaced meanwhile.
    """
    root, name, release = sys.argv[1:]
    store = Store(Path(root), name, patience_seconds=None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if os.fork():
        os._exit(0)
    os.setsid()
    os.write(1, _READY)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    while os.read(0, 1):
        pass
    os.dup2(nothing, 0)
    watch(store, release)


if __name__ == "__main__":
    main()
