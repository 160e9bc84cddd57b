"""The Raspberry Pi 5's power chip (PMIC), which tells voltage and current of most rails when it is asked.

``vcgencmd pmic_read_adc`` has no counter and leaves some rails out, so this is an estimate: power is read ten times a
second by a thread of the agent (not of the process that runs the model) and summed over time by the trapezoidal rule,
and the rails are scaled to what the whole board draws by a fit that users of the board made against a meter:
P = 1.1451 * sum(V * I) + 0.5879 W (as in pitop's documentation, pitop.hongjunwu.com/guide/power). Other models of the
Raspberry Pi have no such chip.
"""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

from edgekit_targets.hardware.energy.contract import Unreadable

SLOPE, OFFSET_WATTS = 1.1451, 0.5879
_COMMAND = ("vcgencmd", "pmic_read_adc")
_LINE = re.compile(r"^\s*(\w+)_[AV]\b[^=\n]*=([0-9.]+)([AV])\s*$", re.MULTILINE)
"""``VDD_CORE_A current(7)=1.2A`` and, in other versions of the firmware, ``VDD_CORE_A=1.2A``."""
_PERIOD_SECONDS = 0.1
_LIMIT_SECONDS = 5.0
_FEWEST = 3


def read_board() -> str:
    """What the chip says now.

    Raises:
        Unreadable: this is no Raspberry Pi 5, or its firmware does not answer.
    """
    try:
        done = subprocess.run(_COMMAND, capture_output=True, text=True, check=False, timeout=_LIMIT_SECONDS)
    except FileNotFoundError as error:
        raise Unreadable("PMIC: vcgencmd is not here; only a Raspberry Pi 5 has this source") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unreadable(f"PMIC: vcgencmd cannot be run ({error})") from error
    if done.returncode != 0:
        raise Unreadable("PMIC: vcgencmd pmic_read_adc is refused; only a Raspberry Pi 5 has it")
    return done.stdout


def watts_of(text: str) -> float:
    """The power of the whole board, estimated from one answer of the chip.

    Raises:
        Unreadable: no rail tells both its voltage and its current.
    """
    told: dict[str, dict[str, float]] = {}
    for rail, value, unit in _LINE.findall(text):
        try:
            told.setdefault(rail, {})[unit] = float(value)
        except ValueError:
            continue
    rails = [values["A"] * values["V"] for values in told.values() if len(values) == 2]
    if not rails:
        raise Unreadable("PMIC: the answer of vcgencmd pmic_read_adc has no rail with voltage and current")
    return SLOPE * sum(rails) + OFFSET_WATTS


def joules_of(samples: Sequence[tuple[float, float]], start: float, end: float) -> float:
    """Power over time from ``start`` to ``end``, of samples (seconds, watts) in order, by the trapezoidal rule.

    Before the first and after the last sample the power is taken to be theirs.

    Raises:
        Unreadable: too few samples.
    """
    if len(samples) < _FEWEST:
        raise Unreadable(f"PMIC: {len(samples)} readings in {end - start:.1f} s are too few")
    points = [(start, samples[0][1]), *samples, (end, samples[-1][1])]
    return sum((after - before) * (one + other) / 2 for (before, one), (after, other) in pairwise(points))


class Pmic:
    """The board this runs on."""

    name = "estimated: PMIC of the Raspberry Pi 5, fitted to the whole board"
    window_seconds = 2.0

    def __init__(self, read: Callable[[], str] = read_board) -> None:
        """Read once; ``read`` is another way in tests.

        Raises:
            Unreadable: the chip is not there.
        """
        self._read = read
        self._thread: threading.Thread | None = None
        watts_of(read())

    def start(self) -> None:
        """Begin to read, in a thread."""
        self._stop = threading.Event()
        self._samples: list[tuple[float, float]] = []
        self._failure: Unreadable | None = None
        self._since = time.monotonic()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """End the thread and sum up."""
        end = time.monotonic()
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None:
            raise self._failure
        return joules_of([one for one in self._samples if one[0] <= end], self._since, end)

    def _sample(self) -> None:
        while not self._stop.wait(_PERIOD_SECONDS):
            try:
                watts = watts_of(self._read())
            except Unreadable as error:
                self._failure = error
                return
            self._samples.append((time.monotonic(), watts))
