"""Lines over file descriptors, with a limit on their length and on the time waited for them."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import BinaryIO, ClassVar

from edgekit_targets.agent.protocol import MAX_LINE_BYTES
from edgekit_targets.errors import InputError

_PIECE = 1 << 18


class LineReader:
    """Cuts what arrives on a descriptor into lines."""

    def __init__(self, descriptor: int, limit: int = MAX_LINE_BYTES) -> None:
        """Read ``descriptor``, refusing lines longer than ``limit`` bytes; ``received`` counts all that came."""
        self.descriptor = descriptor
        self.ended = False
        self.received = 0
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0
        self._skipping = False

    def fill(self) -> None:
        """Read once; sets ``ended`` where the other side has closed."""
        self.add(os.read(self.descriptor, _PIECE))

    def add(self, piece: bytes) -> None:
        """Take in what was read; nothing means that the other side has closed."""
        if not piece:
            self.ended = True
        self.received += len(piece)
        self._buffer += piece

    def take(self) -> bytes | None:
        """The next whole line without its end, or None where none has arrived yet.

        Raises:
            InputError: a line is longer than the limit; what is left of it is thrown away.
        """
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            if self._skipping or self._searched > self._limit:
                first = not self._skipping
                self._skipping = True
                self._buffer.clear()
                self._searched = 0
                if first:
                    raise InputError(f"a line is longer than {self._limit} bytes")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        if self._skipping:
            self._skipping = False
            return self.take()
        if len(line) > self._limit:
            raise InputError(f"a line is longer than {self._limit} bytes")
        return line


def fill_ready(readers: Iterable[LineReader], seconds: float | None) -> list[LineReader]:
    """Wait until something can be read by one of ``readers``, read it, and give those that got something or ended."""
    open_ones = {reader.descriptor: reader for reader in readers if not reader.ended}
    if not hasattr(select, "poll"):
        return _wait_for_threads(list(open_ones.values()), seconds)
    poll = select.poll()
    for descriptor in open_ones:
        poll.register(descriptor, select.POLLIN)
    ready = [open_ones[descriptor] for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000)]
    for reader in ready:
        reader.fill()
    return ready


class _Pump:
    """Windows has nothing that waits for a pipe but a thread that reads it; what that read waits here to be taken."""

    news = threading.Condition()
    all: ClassVar[dict[int, _Pump]] = {}

    def __init__(self, reader: LineReader) -> None:
        self.reader = reader
        self.pieces: deque[bytes] = deque()
        threading.Thread(target=self._read, args=(reader.descriptor,), daemon=True).start()

    def _read(self, descriptor: int) -> None:
        piece = b"-"
        while piece:
            try:
                piece = os.read(descriptor, _PIECE)
            except OSError:  # closed here
                piece = b""
            with self.news:
                self.pieces.append(piece)
                self.news.notify_all()


def _wait_for_threads(readers: list[LineReader], seconds: float | None) -> list[LineReader]:
    pumps = []
    for reader in readers:
        pump = _Pump.all.get(reader.descriptor)
        if pump is None or pump.reader is not reader:  # a number of a descriptor is used again
            pump = _Pump.all[reader.descriptor] = _Pump(reader)
        pumps.append(pump)
    with _Pump.news:
        _Pump.news.wait_for(lambda: any(pump.pieces for pump in pumps), seconds)
        ready = [pump for pump in pumps if pump.pieces]
        for pump in ready:
            while pump.pieces:
                pump.reader.add(pump.pieces.popleft())
    for pump in ready:
        if pump.reader.ended:
            del _Pump.all[pump.reader.descriptor]
    return [pump.reader for pump in ready]


def next_line(
    reader: LineReader,
    seconds: float | None,
    beside: LineReader | None = None,
    heard: Callable[[], None] = lambda: None,
) -> bytes:
    """Wait for one line; what arrives on ``beside`` meanwhile is taken in too, and ``heard`` called each time.

    Raises:
        EOFError: the other side closed before a whole line.
        TimeoutError: no line in that time.
        InputError: the line is too long.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        line = reader.take()
        if line is not None:
            return line
        if reader.ended:
            raise EOFError
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        if beside in fill_ready([reader] if beside is None else [reader, beside], left):
            heard()


def claim_stdout() -> BinaryIO:
    """Take the standard output for the protocol alone.

    Runtimes print to it when they please, from native code too; from here on that goes to the standard error.
    """
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "wb")
