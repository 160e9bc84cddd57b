"""``edgekit --help`` against ``import typer``, in interleaved runs: at most 1.5 times as long.

Run by ``make bench``; exits 1 when the whole 95 % interval of the ratio of medians lies beyond the bound.
"""

from __future__ import annotations

import subprocess
import sys
import time

from tests.benchmarks.common.rounds import middle

BOUND = 1.5
PAIRS = 30
HELP = [sys.executable, "-m", "edgekit", "--help"]
TYPER = [sys.executable, "-c", "import typer"]


def seconds(command: list[str]) -> float:
    start = time.perf_counter_ns()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter_ns() - start) / 1e9


def main() -> int:
    """Measure, print one line, and say whether the bound holds."""
    for command in (HELP, TYPER):
        seconds(command)
    ratios = [seconds(HELP) / seconds(TYPER) for _ in range(PAIRS)]
    found = middle(ratios)
    print(
        f"edgekit --help / import typer: {found.value:.2f} "
        f"[{found.low:.2f}, {found.high:.2f}] over {PAIRS} pairs, bound {BOUND}"
    )
    return int(found.low > BOUND)


if __name__ == "__main__":
    sys.exit(main())
