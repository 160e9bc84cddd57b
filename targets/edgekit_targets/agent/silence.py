"""Whether a controller across a network is still there.

A workstation that loses its power, or a line that dies, ends nothing on the device: the ssh server there waits on, and
with it whatever reads from it. So such a controller writes an empty line every few seconds, and an agent that was told
to expect that ends when nothing at all has arrived for a while, whatever it does at that moment: measure, greet, or
write an answer that nobody takes.
"""

from __future__ import annotations

import signal
import time
from typing import Any, Final

from edgekit_targets.agent.lines import LineReader

VARIABLE: Final = "EDGEKIT_SILENCE_SECONDS"
"""In the agent's environment: how long its controller may be silent."""
BEAT_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 60.0
_LOOKS = 4
"""How often a span of silence is looked at; a controller counts as gone after at most 1.25 of it."""


class Silent(BaseException):
    """The controller has said nothing for too long. No error that anybody handles: it ends the agent."""


def end_on_silence(reader: LineReader, seconds: float) -> None:
    """Raise :class:`Silent` in the main thread once nothing has come to ``reader`` for ``seconds``.

    What has arrived and was not read yet counts: an agent that is busy reads nothing.
    """
    import fcntl
    import termios

    def arrived() -> int:
        waiting = fcntl.ioctl(reader.descriptor, termios.FIONREAD, b"\0" * 4)
        return reader.received + int.from_bytes(waiting, "little")

    heard, since = arrived(), time.monotonic()

    def look(number: int, frame: Any) -> None:
        nonlocal heard, since
        now, count = time.monotonic(), arrived()
        if count != heard:
            heard, since = count, now
        elif now - since >= seconds:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            raise Silent

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, seconds / _LOOKS, seconds / _LOOKS)
