"""An NVIDIA GPU's memory that this process has taken, and its state, from NVIDIA's management library by way of ctypes.

NVML has no high-water mark and counts whole allocations of the driver (2 MiB each, typically), so figures are those of
the moments they were read at. The functions and structures are those of nvml.h (NVML API reference).
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

from edgekit_targets.hardware.nvidia import Load, check, open_gpu
from edgekit_targets.types.profile import POWER_CAP, DeviceConditions

_INSUFFICIENT_SIZE = 7
_NOT_AVAILABLE = 2**64 - 1
_MOST_PROCESSES = 4096
_MULTIPROCESSORS, _GPU_SENSOR = 1, 0  # NVML_CLOCK_SM, NVML_TEMPERATURE_GPU
_REASONS = {
    0x04: POWER_CAP,
    0x08: "hardware slowdown",
    0x20: "thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}
"""Bits of ``nvmlDeviceGetCurrentClocksThrottleReasons`` that hold a GPU back; the others are idleness and settings."""


class _Process(ctypes.Structure):
    """``nvmlProcessInfo_t``, as ``nvmlDeviceGetComputeRunningProcesses_v3`` fills it."""

    _fields_ = (
        ("pid", ctypes.c_uint),
        ("usedGpuMemory", ctypes.c_ulonglong),
        ("gpuInstanceId", ctypes.c_uint),
        ("computeInstanceId", ctypes.c_uint),
    )


class Nvml:
    """A meter of the GPU that CUDA computes on. The library is loaded with the first look."""

    source = "NVML, this process"

    def __init__(self, load: Load = ctypes.CDLL, pid: int | None = None) -> None:
        """Read for this process; ``load`` and ``pid`` are others in tests."""
        self._load = load
        self._pid = os.getpid() if pid is None else pid
        self._library: Any = None
        self._device = ctypes.c_void_p()

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
        check(code)
        for one in processes[: count.value]:
            if one.pid == self._pid:
                if one.usedGpuMemory == _NOT_AVAILABLE:
                    raise OSError("NVML does not tell the memory of a process here")
                return int(one.usedGpuMemory)
        raise OSError("NVML does not list this process among those on the GPU")

    def conditions(self) -> DeviceConditions | None:
        """Its clock, its heat and what holds it back now; nothing without a driver."""
        try:
            device = self._opened()
        except (OSError, AttributeError):
            return None
        megahertz = self._told("nvmlDeviceGetClockInfo", ctypes.c_uint(), device, ctypes.c_uint(_MULTIPROCESSORS))
        degrees = self._told("nvmlDeviceGetTemperature", ctypes.c_uint(), device, ctypes.c_uint(_GPU_SENSOR))
        bits = self._told("nvmlDeviceGetCurrentClocksThrottleReasons", ctypes.c_ulonglong(), device)
        return DeviceConditions(
            frequency_hz=None if megahertz is None else megahertz * 1e6,
            temperature_celsius=None if degrees is None else float(degrees),
            throttled=None if bits is None else tuple(word for bit, word in _REASONS.items() if bits & bit),
        )

    def _told(self, function: str, value: Any, *arguments: object) -> int | None:
        """What a function writes to its last argument; nothing where the driver has no such function or figure."""
        tell = getattr(self._library, function, None)
        if tell is None or tell(*arguments, ctypes.byref(value)):
            return None
        return int(value.value)

    def _opened(self) -> ctypes.c_void_p:
        if self._library is None:
            self._library, self._device = open_gpu(self._load)
        return self._device
