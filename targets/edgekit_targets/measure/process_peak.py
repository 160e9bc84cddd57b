"""Memory where the high-water mark cannot be reset: macOS and Windows tell that of the whole process, and no more.

Such a mark holds the import of the runtime for ever and hides a smaller model, so it can stand for the process memory
of a budget, but nothing can be said about what the model adds.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from edgekit_targets.measure.memory import Meter, ProcMeter


def choose_meter(platform: str = sys.platform) -> Meter:
    """The meter for a platform as :data:`sys.platform` names it."""
    if platform == "darwin":
        return PeakMeter("macOS", _ru_maxrss)
    if platform == "win32":
        return PeakMeter("Windows", _peak_working_set)
    return ProcMeter()


class PeakMeter:
    """Knows the mark of the whole process alone."""

    def __init__(self, system: str, read: Callable[[], int | None]) -> None:
        """Take the mark from ``read``, in bytes; ``system`` is named in the reason."""
        self.reason: str | None = (
            f"memory: {system} has no high-water mark that can be reset, so what the model adds was not measured; "
            "the peak of the whole process is told"
        )
        self._read = read

    def process_peak(self) -> int | None:
        """The high-water mark since the process began."""
        return self._read()

    def tidy(self) -> None:
        """Nothing: a mark that cannot be reset has no use for it."""

    def reset(self) -> NoReturn:
        """It cannot be."""
        raise RuntimeError(self.reason)

    def peak(self) -> NoReturn:
        """Not since a reset."""
        raise RuntimeError(self.reason)

    def resident(self) -> NoReturn:
        """Not told."""
        raise RuntimeError(self.reason)

    def files(self) -> None:
        """Not told."""


def _ru_maxrss() -> int | None:
    """``getrusage(2)``; macOS gives bytes, where Linux gives kibibytes."""
    try:
        usage: Any = importlib.import_module("resource")
    except ModuleNotFoundError:
        return None
    return int(usage.getrusage(usage.RUSAGE_SELF).ru_maxrss)


class _Counters(ctypes.Structure):
    """``PROCESS_MEMORY_COUNTERS`` of psapi.h."""

    _fields_ = (
        ("cb", ctypes.c_uint32),
        ("PageFaultCount", ctypes.c_uint32),
        ("PeakWorkingSetSize", ctypes.c_size_t),
        ("WorkingSetSize", ctypes.c_size_t),
        ("QuotaPeakPagedPoolUsage", ctypes.c_size_t),
        ("QuotaPagedPoolUsage", ctypes.c_size_t),
        ("QuotaPeakNonPagedPoolUsage", ctypes.c_size_t),
        ("QuotaNonPagedPoolUsage", ctypes.c_size_t),
        ("PagefileUsage", ctypes.c_size_t),
        ("PeakPagefileUsage", ctypes.c_size_t),
    )


def _peak_working_set() -> int | None:
    """``K32GetProcessMemoryInfo`` of kernel32."""
    libraries: Any = getattr(ctypes, "windll", None)
    if libraries is None:
        return None
    counters = _Counters(cb=ctypes.sizeof(_Counters))
    libraries.kernel32.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(libraries.kernel32.GetCurrentProcess())
    done = libraries.kernel32.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.cb)
    return int(counters.PeakWorkingSetSize) if done else None
