"""Ctrl-C that cannot get lost.

Python turns it into an exception, and an exception can be swallowed by whatever happens to run: a C module that is just
being imported makes an ImportError of it (the standard library's own ``_elementtree`` does), a destructor prints it and
goes on. So it is remembered too, and long work asks from time to time.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_heard = False


def heard() -> bool:
    """Whether there was a Ctrl-C since :func:`listening` began."""
    return _heard


def check() -> None:
    """Raise the exception again where there was one.

    Raises:
        KeyboardInterrupt: there was a Ctrl-C.
    """
    if _heard:
        raise KeyboardInterrupt


@contextmanager
def listening() -> Iterator[None]:
    """Remember Ctrl-C while this lasts; one that is ignored (as by what a shell starts with ``&``) stays ignored."""
    global _heard
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    _heard = False
    signal.signal(signal.SIGINT, _hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _heard = False


def _hear(number: int, frame: FrameType | None) -> None:
    global _heard
    _heard = True
    raise KeyboardInterrupt
