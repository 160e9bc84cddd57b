"""One controller at a time measures on a machine: two would time each other.

A lock of the kernel on an open file (``flock``), which ends with the process that holds it however that ends, so no
stale lock can stay behind.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from edgekit_targets.errors import InputError

VARIABLE = "EDGEKIT_LOCK"


def lock_path() -> Path:
    """Where the lock lies: one a user; ``EDGEKIT_LOCK`` names another file."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"edgekit-{os.getuid()}.lock"


def hold() -> int:
    """Take the lock and give its descriptor; it is held until that is closed or the process ends.

    Raises:
        InputError: another process holds it, or the file cannot be made.
    """
    import fcntl

    path = lock_path()
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise InputError(
            f"{path}: no lock can be made there: {error.strerror}; set {VARIABLE} to another file"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise InputError(
            f"another edgekit is measuring on this machine (process {holder or 'unknown'}); two would time each other, "
            "wait for it or end it"
        ) from None
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    return descriptor
