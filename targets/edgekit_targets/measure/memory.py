"""The memory of this process: what is resident now, and the high-water mark since it was last reset.

Linux keeps the mark itself (``VmHWM``), so a spike of a millisecond is seen without any sampling; writing 5 to
``/proc/self/clear_refs`` sets it back to what is resident (kernel commit 695f055936, 2015). The kernel counts resident
pages in batches per processor: figures are good to about 0.25 MB.
"""

from __future__ import annotations

import gc
import re
from pathlib import Path
from typing import Protocol


class Meter(Protocol):
    """Reads the memory of the process that holds the model; figures in bytes."""

    @property
    def reason(self) -> str | None:
        """Why nothing can be measured here; null where it can."""

    def tidy(self) -> None:
        """Let Python throw away what it has yet to, so that it is not taken for the model's."""

    def reset(self) -> None:
        """Set the high-water mark back to what is resident now."""

    def peak(self) -> int:
        """The high-water mark since the last reset."""

    def resident(self) -> int:
        """What is resident now."""

    def files(self) -> int | None:
        """What is resident now of mapped files, such as the code of the runtime; null where that is not told."""

    def process_peak(self) -> int | None:
        """The high-water mark since the process began, which needs no reset; null where that is not told."""


class ProcMeter:
    """Reads ``/proc/self``. ``root`` is another folder in tests.

    Where ``/proc`` is missing see :mod:`edgekit_targets.measure.process_peak`.
    """

    def __init__(self, root: Path = Path("/proc/self")) -> None:
        self._status = root / "status"
        self._rollup = root / "smaps_rollup"
        self._clear = root / "clear_refs"
        self.reason = self._probe()

    def tidy(self) -> None:
        """Collect what Python has yet to throw away."""
        gc.collect()

    def reset(self) -> None:
        """Set the high-water mark back to what is resident now."""
        self._clear.write_text("5", encoding="ascii")

    def peak(self) -> int:
        """The high-water mark since the last reset, in bytes."""
        return _field(self._status, "VmHWM")

    def resident(self) -> int:
        """What is resident now, in bytes; exact where the kernel walks the pages for us (``smaps_rollup``)."""
        try:
            return _field(self._rollup, "Rss")
        except OSError:
            return _field(self._status, "VmRSS")

    def files(self) -> int | None:
        """What is resident now of mapped files, in bytes.

        How much of a library's code comes in with its first use depends on how the kernel has cached the file (larger
        folios bring more at once), so this part differs between installations of the same versions.
        """
        try:
            return _field(self._status, "RssFile")
        except ValueError:
            return None

    def process_peak(self) -> int | None:
        """Not told: the mark is reset here."""
        return None

    def _probe(self) -> str | None:
        try:
            self.reset()
            self.peak()
        except OSError as error:
            return f"memory was not measured: {error.filename} gives {error.strerror}"
        except ValueError as error:
            return f"memory was not measured: {error}"
        return None


class ScriptedMeter:
    """A meter whose process grows only when told to."""

    reason: str | None = None

    def __init__(self, resident_bytes: int) -> None:
        self._resident = resident_bytes
        self._peak = resident_bytes

    def grow(self, resident_bytes: int, *, spike_bytes: int = 0) -> None:
        """Become ``resident_bytes`` larger, by way of a spike ``spike_bytes`` above that."""
        self._resident += resident_bytes
        self._peak = max(self._peak, self._resident + spike_bytes)

    def tidy(self) -> None:
        """Nothing: what is scripted holds nothing of Python's."""

    def reset(self) -> None:
        """Set the high-water mark back to what is resident now."""
        self._peak = self._resident

    def peak(self) -> int:
        """The high-water mark since the last reset, in bytes."""
        return self._peak

    def resident(self) -> int:
        """What is resident now, in bytes."""
        return self._resident

    def files(self) -> int | None:
        """Nothing: what is scripted is memory of its own."""
        return 0

    def process_peak(self) -> int | None:
        """Not told: the mark is reset here."""
        return None


def _field(path: Path, name: str) -> int:
    text = path.read_text(encoding="ascii", errors="replace")
    match = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    if match is None:
        raise ValueError(f"{path} has no {name}")
    return int(match[1]) * 1024
