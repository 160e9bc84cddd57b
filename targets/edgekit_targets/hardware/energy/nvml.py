"""The energy counter of NVIDIA graphics processors, by the driver's own library (NVML), without a package.

``nvmlDeviceGetTotalEnergyConsumption`` counts millijoules since the driver was loaded, on Volta and newer; it moves
every 20 to 100 ms, so intervals are long. It covers the whole first graphics processor, whoever uses it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from edgekit_targets.hardware.energy.contract import Unreadable

_LIBRARY = "libnvidia-ml.so.1"
_SUCCESS = 0
_MESSAGES = {
    3: "this graphics processor has no energy counter (it needs Volta or newer)",
    4: "no permission",
    6: "there is no NVIDIA graphics processor",
    9: "the NVIDIA driver is not loaded",
    15: "the graphics processor was lost",
}
"""The values of ``nvmlReturn_t`` in nvml.h."""


class Nvml:
    """The first NVIDIA graphics processor."""

    name = "measured: NVML, graphics processor"
    window_seconds = 2.0

    def __init__(self, load: Callable[[str], Any] = ctypes.CDLL) -> None:
        """Load the driver's library; ``load`` is another way in tests.

        Raises:
            Unreadable: there is no driver, no graphics processor or no counter.
        """
        try:
            self._library = load(_LIBRARY)
        except OSError as error:
            raise Unreadable(f"NVML: {_LIBRARY} is not here; install the NVIDIA driver") from error
        _check(self._library.nvmlInit_v2())
        self._device = ctypes.c_void_p()
        _check(self._library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(0), ctypes.byref(self._device)))
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
        _check(self._library.nvmlDeviceGetTotalEnergyConsumption(self._device, ctypes.byref(millijoules)))
        return millijoules.value


def _check(code: int) -> None:
    if code != _SUCCESS:
        raise Unreadable(f"NVML: {_MESSAGES.get(code, f'error {code}')}")
