"""What this process has taken of an NVIDIA GPU's memory, from NVIDIA's management library by way of ctypes.

NVML has no high-water mark and counts whole allocations of the driver (2 MiB each, typically), so figures are those of
the moments they were read at. The functions and structures are those of nvml.h (NVML API reference).
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

_LIBRARY = "libnvidia-ml.so.1"
_INSUFFICIENT_SIZE = 7
_NOT_AVAILABLE = 2**64 - 1
_MOST_PROCESSES = 4096


class _Process(ctypes.Structure):
    """``nvmlProcessInfo_t``, as ``nvmlDeviceGetComputeRunningProcesses_v3`` fills it."""

    _fields_ = (
        ("pid", ctypes.c_uint),
        ("usedGpuMemory", ctypes.c_ulonglong),
        ("gpuInstanceId", ctypes.c_uint),
        ("computeInstanceId", ctypes.c_uint),
    )


class Nvml:
    """A meter of the first GPU's memory. The library is loaded with the first look."""

    source = "NVML, this process"

    def __init__(self, library: Any = None, pid: int | None = None) -> None:
        """Read with ``library``; by default the driver's own, for this process."""
        self._library = library
        self._pid = os.getpid() if pid is None else pid
        self._device: ctypes.c_void_p | None = None

    def used(self) -> int:
        """Bytes that this process holds on the GPU now.

        Raises:
            OSError: there is no driver, or it does not tell (in a container the process may have another number).
        """
        device = self._opened()
        tell = self._library.nvmlDeviceGetComputeRunningProcesses_v3
        count = ctypes.c_uint(0)
        processes = (_Process * 1)()
        code = tell(device, ctypes.byref(count), processes)
        while code == _INSUFFICIENT_SIZE and count.value < _MOST_PROCESSES:
            count = ctypes.c_uint(count.value + 4)  # another process may start in between
            processes = (_Process * count.value)()
            code = tell(device, ctypes.byref(count), processes)
        self._check(code, "the processes on the GPU")
        for one in processes[: count.value]:
            if one.pid == self._pid:
                if one.usedGpuMemory == _NOT_AVAILABLE:
                    raise OSError("NVML does not tell the memory of a process here")
                return int(one.usedGpuMemory)
        raise OSError("NVML does not list this process among those on the GPU")

    def _opened(self) -> ctypes.c_void_p:
        if self._device is None:
            if self._library is None:
                self._library = ctypes.CDLL(_LIBRARY)
            self._check(self._library.nvmlInit_v2(), "NVML")
            device = ctypes.c_void_p()
            self._check(self._library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(0), ctypes.byref(device)), "the GPU")
            self._device = device
        return self._device

    def _check(self, code: int, what: str) -> None:
        if code:
            raise OSError(f"NVML cannot read {what} (error {code})")
