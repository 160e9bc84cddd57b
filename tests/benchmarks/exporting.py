"""``edgekit export`` of both families in both modes and every precision, verified: at most 60 s for the preset ``iot``.

On the default data, with weights that an earlier run has trained (training is no part of the bound). Run by
``make bench``; exits 1 when the fastest of the runs takes longer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from edgekit_targets.types.manifest import PRECISIONS

BOUND_SECONDS = 60.0
RUNS = 3
COMMAND = [
    *(sys.executable, "-m", "edgekit", "export", "lstm", "transformer", "--data", "aeon:JapaneseVowels"),
    *("--mode", "window,stream", "--precision", ",".join(PRECISIONS), "--force", "--json", "--out"),
]


def seconds(folder: Path) -> float:
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    start = time.perf_counter_ns()
    subprocess.run([*COMMAND, str(folder / "bundle")], env=environment, check=True, capture_output=True)
    return (time.perf_counter_ns() - start) / 1e9


def main() -> int:
    """Measure, print one line, and say whether the bound holds."""
    with tempfile.TemporaryDirectory() as scratch:
        trained = seconds(Path(scratch))
        taken = sorted(seconds(Path(scratch)) for _ in range(RUNS))
    told = ", ".join(f"{one:.1f}" for one in taken)
    print(
        f"edgekit export, 2 families x 2 modes x {len(PRECISIONS)} precisions on {os.cpu_count()} cores: {told} s "
        f"({trained:.1f} s with training), bound {BOUND_SECONDS:.0f} s"
    )
    return int(taken[0] > BOUND_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
