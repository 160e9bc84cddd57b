"""How a model is run: the settings of a session that change its speed and memory, measured and shipped with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """Threads, spinning and arena. With one thread no pool exists, so nothing spins beside the caller.

    ``spinning``: threads of the pool burn their core while they wait for the next inference. Faster in a closed loop;
    at a sensor's pace it multiplies CPU time many-fold (onnxruntime#11841). ``arena``: the runtime keeps freed memory
    for the next inference (onnxruntime#11627); no meaning where the runtime has none (OpenVINO).
    """

    threads: int = 1
    spinning: bool = False
    arena: bool = True


class Configured(Protocol):
    """A record of something that was run so: a measurement, a candidate, a choice."""

    @property
    def threads(self) -> int:
        """See :class:`SessionOptions`."""

    @property
    def spinning(self) -> bool:
        """See :class:`SessionOptions`."""

    @property
    def arena(self) -> bool:
        """See :class:`SessionOptions`."""


def options_of(one: Configured) -> SessionOptions:
    """The options that a record tells field by field."""
    return SessionOptions(threads=one.threads, spinning=one.spinning, arena=one.arena)
