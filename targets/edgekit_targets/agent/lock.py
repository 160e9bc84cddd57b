"""One controller at a time measures on a machine: two would time each other."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from edgekit_targets.errors import InputError
from edgekit_targets.flock import Held, take

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
