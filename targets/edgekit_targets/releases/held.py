"""A model that is handed to a runtime as the very file that was verified, whatever has its name by then.

Runtimes open a file by its path. The path given here leads to a descriptor, and so to the file whose bytes were hashed:
another that gets its name is not opened. That takes no memory, as handing over the bytes would. Whoever writes into
that very file meanwhile is betrayed by its times.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from edgekit_targets.errors import CheckFailed
from edgekit_targets.releases.format import MODEL

_DESCRIPTORS = Path("/proc/self/fd")
_PIECE = 1 << 20


class HeldModel:
    """``model.onnx`` of a release, open; :attr:`path` is valid until :meth:`close`.

    Where the system has no ``/proc`` it is the file's own path, and what is opened is only as sure as its name.
    """

    def __init__(self, folder: Path, digests: Mapping[str, str]) -> None:
        """Open it, and hash what was opened.

        Raises:
            CheckFailed: it is no longer the file that was signed.
            OSError: it cannot be opened.
        """
        self._name = folder / MODEL
        self._file = os.fdopen(os.open(self._name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
        self._found = self._times()
        digest = hashlib.sha256()
        while piece := self._file.read(_PIECE):
            digest.update(piece)
        if digest.hexdigest() != digests[MODEL]:
            self.close()
            raise self._changed()
        self.path = _DESCRIPTORS / str(self._file.fileno()) if _DESCRIPTORS.is_dir() else self._name

    def check_unchanged(self) -> None:
        """Call it once the runtime has read the file.

        Raises:
            CheckFailed: somebody wrote into it meanwhile, or took its name away.
        """
        if self._times() != self._found:
            raise self._changed()

    def named(self, message: str) -> str:
        """What a runtime said of the path, with the name that a reader knows."""
        return message.replace(str(self.path), str(self._name))

    def close(self) -> None:
        """Let go of it."""
        self._file.close()

    def _times(self) -> tuple[int, int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size

    def _changed(self) -> CheckFailed:
        return CheckFailed(f"{self._name} changed while it was opened; nothing else may write there")
