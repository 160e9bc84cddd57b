"""What a call costs beside the model's own work: the smallest model, run and timed as any other.

The figure holds the runtime's fixed cost of a run, its Python interface and our two reads of the clock. It is told and
not subtracted: an application in Python has it too, one in C has a part of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from edgekit_targets.errors import EdgekitError
from edgekit_targets.measure.clock import Clock
from edgekit_targets.measure.latency import time_slice
from edgekit_targets.runtimes.contract import Target
from edgekit_targets.runtimes.onenode import ONE_NODE
from edgekit_targets.types.session import SessionOptions

SAMPLES: Final = 400
SECONDS: Final = 0.02


def call_seconds(target: Target, options: SessionOptions, clock: Clock) -> float | None:
    """The median time of one call that computes nothing; null where the target cannot run such a model.

    Called when everything about the real model's loading and memory has been read, since it loads a model of its own.
    """
    import tempfile  # not before the memory was read

    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        path = Path(folder) / "one.onnx"
        try:
            path.write_bytes(ONE_NODE)
            session = target.open(path, options, target.check(path))
            session.bind({"x": np.zeros(1, np.float32)})
        except (EdgekitError, OSError):
            return None
        timed = time_slice(session.run, clock, samples=SAMPLES, max_seconds=SECONDS, warmup_seconds=SECONDS / 10)
        session.close()
    return sorted(timed.seconds)[len(timed.seconds) // 2]
