"""What transfers that broke off have left on a device."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path

from edgekit_targets.releases.disk import Disk, remove_tree

INCOMING = "incoming"
"""Below the root: what controllers send, a folder for each release."""
OLD_SECONDS = 3600.0
"""Nobody is at work any more on a folder that was left alone so long; whose line broke tries again within seconds."""


def sweep(root: Path, disk: Disk, keep: Path) -> None:
    """Remove what was left alone for an hour, but ``keep``; what cannot be removed waits for the next time."""
    kept, now = keep.resolve(), datetime.now(UTC).timestamp()
    for folder in sorted((root / INCOMING).glob("*")):
        with contextlib.suppress(OSError):
            if folder.resolve() not in (kept, *kept.parents) and now - _touched(folder) > OLD_SECONDS:
                remove_tree(disk, folder)


def _touched(path: Path) -> float:
    """When anything in it was last written; a link is not followed."""
    found = path.lstat().st_mtime
    if path.is_dir() and not path.is_symlink():
        found = max([found, *(_touched(path / entry.name) for entry in os.scandir(path))])
    return found
