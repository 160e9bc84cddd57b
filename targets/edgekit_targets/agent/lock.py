"""One controller at a time measures on a machine: two would time each other."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from pathlib import Path

from edgekit_targets.errors import InputError
from edgekit_targets.flock import Held, take

VARIABLE = "EDGEKIT_LOCK"
_END_SECONDS = 10.0
"""How long an agent of one's own that was left behind may take to go."""


def lock_path() -> Path:
    """Where the lock lies: one a user; ``EDGEKIT_LOCK`` names another file."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"edgekit-{os.getuid()}.lock"


def hold_for(controller: str | None) -> int:
    """As :func:`hold`; an agent of the same ``controller`` that a broken line has left behind is ended.

    Raises:
        InputError: somebody else holds the lock, or a file cannot be made.
    """
    beside = lock_path().with_name(f"{lock_path().name}.controller")
    try:
        descriptor = hold()
    except InputError:
        process = _text(lock_path())
        if controller is None or _text(beside) != f"{process} {controller}":
            raise
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(process), signal.SIGKILL)  # its workers go with it
        descriptor = _hold_soon()
    with contextlib.suppress(OSError):  # without it nothing is taken over
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        os.write(file, f"{os.getpid()} {controller or ''}".encode("ascii"))
        os.close(file)
    return descriptor


def _hold_soon() -> int:
    deadline = time.monotonic() + _END_SECONDS
    while True:
        try:
            return hold()
        except InputError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def hold() -> int:
    """Take the lock and give its descriptor; it is held until that is closed or the process ends.

    Raises:
        InputError: another process holds it, or the file cannot be made.
    """
    path = lock_path()
    try:
        return take(path)
    except OSError as error:
        raise InputError(
            f"{path}: no lock can be made there: {error.strerror}; set {VARIABLE} to another file"
        ) from error
    except Held as held:
        raise InputError(
            f"another edgekit is measuring on this machine (process {held.holder}); two would time each other, "
            "wait for it or end it"
        ) from None
