"""The energy counter of NVIDIA graphics processors, by the driver's own library (NVML), without a package.

``nvmlDeviceGetTotalEnergyConsumption`` counts millijoules since the driver was loaded, on Volta and newer; it moves
every 20 to 100 ms, so intervals are long. It covers the whole graphics processor, whoever uses it.
"""

from __future__ import annotations

import ctypes

from edgekit_targets.hardware.energy.contract import Unreadable
from edgekit_targets.hardware.nvidia import Load, check, open_gpu

_NOT_SUPPORTED = 3


class Nvml:
    """The NVIDIA graphics processor that CUDA computes on."""

    name = "measured: NVML, graphics processor"
    window_seconds = 2.0

    def __init__(self, load: Load = ctypes.CDLL) -> None:
        """Load the driver's library; ``load`` is another way in tests.

        Raises:
            Unreadable: there is no driver, no graphics processor or no counter.
        """
        try:
            self._library, self._device = open_gpu(load)
        except OSError as error:
            raise Unreadable(str(error)) from error
        self.start()

    def start(self) -> None:
        """Read the counter."""
        self._before = self._count()

    def stop(self) -> float:
        """Read the counter again."""
        used = self._count() - self._before
        if used < 0:
            raise Unreadable("NVML: the counter went backwards; the driver was loaded again meanwhile")
        return used / 1e3

    def _count(self) -> int:
        millijoules = ctypes.c_ulonglong()
        code = self._library.nvmlDeviceGetTotalEnergyConsumption(self._device, ctypes.byref(millijoules))
        if code == _NOT_SUPPORTED:
            raise Unreadable("NVML: this graphics processor has no energy counter (it needs Volta or newer)")
        try:
            check(code)
        except OSError as error:
            raise Unreadable(str(error)) from error
        return millijoules.value
