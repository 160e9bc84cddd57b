"""A lock of the kernel on a file (``flock``): it ends with the process that holds it, however that ends."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

_PAUSE_SECONDS = 0.02


class Held(Exception):
    """Another process holds the lock; ``holder`` is its number as it wrote it down."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


def take(path: Path, patience_seconds: float | None = 0.0) -> int:
    """Take the lock and give its descriptor; it is held until that is closed or the process ends.

    Waits for at most ``patience_seconds``, with None for as long as it takes.

    Raises:
        Held: another process holds it all that time.
        OSError: the file cannot be made.
    """
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    end = None if patience_seconds is None else time.monotonic() + patience_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if end is None else fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if end is not None and time.monotonic() >= end:
                holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
                os.close(descriptor)
                raise Held(holder or "unknown") from None
            time.sleep(_PAUSE_SECONDS)
    with contextlib.suppress(OSError):  # on a full disk the lock holds all the same
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    return descriptor
