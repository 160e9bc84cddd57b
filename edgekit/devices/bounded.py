"""A command that may neither last too long nor say too much: a device that says things without end fills no memory."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from typing import IO

_PIECE = 1 << 16


class SaidTooMuch(Exception):
    """The command was ended because of how much it said."""


class _Kept:
    """What arrives on a pipe, taken in by a thread of its own; past the limit the command is ended."""

    def __init__(self, pipe: IO[bytes], process: subprocess.Popen[bytes], most_bytes: int) -> None:
        self._pipe, self._process, self._most_bytes = pipe, process, most_bytes
        self._said = bytearray()
        self.too_much = False
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def all(self) -> bytes:
        self._thread.join()
        return bytes(self._said)

    def _take(self) -> None:
        with self._pipe:
            while piece := self._pipe.read1(_PIECE):  # type: ignore[attr-defined]
                if len(self._said) + len(piece) > self._most_bytes:
                    self.too_much = True
                    self._process.kill()
                    return
                self._said += piece


def run_bounded(
    argv: Sequence[str], given: IO[bytes] | bytes, *, seconds: float, most_bytes: int
) -> subprocess.CompletedProcess[bytes]:
    """Run a command with ``given`` as its standard input.

    Raises:
        subprocess.TimeoutExpired: it did not end in ``seconds``; it was ended.
        SaidTooMuch: it said more than ``most_bytes``; it was ended.
    """
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE if isinstance(given, bytes) else given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = [_Kept(pipe, process, most_bytes) for pipe in (process.stdout, process.stderr)]
        if isinstance(given, bytes):
            threading.Thread(target=_give, args=(process.stdin, given), daemon=True).start()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        stdout, stderr = (one.all() for one in said)
        if any(one.too_much for one in said):
            raise SaidTooMuch
        return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


def _give(pipe: IO[bytes], given: bytes) -> None:
    try:
        with pipe:
            pipe.write(given)
    except OSError:  # it reads no more; how it ended tells why
        pass
