"""How a model is run: the settings of a session that change its speed and memory, measured and shipped with it."""

from __future__ import annotations

from dataclasses import dataclass


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
