"""NVML's reader against a library of the same interface; the real one is met by ``make test-cuda``."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import pytest

from edgekit_targets.hardware.energy.contract import Unreadable
from edgekit_targets.hardware.energy.nvml import Nvml


class Library:
    """The three calls, with scripted return codes and counter readings in millijoules."""

    def __init__(self, readings: Sequence[int] = (0,), *, init: int = 0, device: int = 0, energy: int = 0) -> None:
        self._readings = list(readings)
        self._codes = (init, device, energy)

    def nvmlInit_v2(self) -> int:
        return self._codes[0]

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        ctypes.cast(count, ctypes.POINTER(ctypes.c_uint))[0] = 1
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: Any, device: Any) -> int:
        assert index.value == 0
        ctypes.cast(device, ctypes.POINTER(ctypes.c_void_p))[0] = 77
        return self._codes[1]

    def nvmlDeviceGetTotalEnergyConsumption(self, device: Any, value: Any) -> int:
        assert device.value == 77
        ctypes.cast(value, ctypes.POINTER(ctypes.c_ulonglong))[0] = self._readings.pop(0)
        return self._codes[2]


def test_counts_millijoules_beyond_32_bits() -> None:
    source = Nvml(lambda name: Library([0, 2**40, 2**40 + 12_345]))
    source.start()
    assert source.stop() == pytest.approx(12.345)


def test_a_counter_that_went_backwards_tells_nothing() -> None:
    source = Nvml(lambda name: Library([5, 5, 3]))
    source.start()
    with pytest.raises(Unreadable, match="backwards"):
        source.stop()


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ({"init": 9}, "driver is not loaded"),
        ({"device": 6}, "no NVIDIA GPU"),
        ({"energy": 3}, "needs Volta or newer"),
        ({"energy": 999}, "error 999"),
    ],
)
def test_every_refusal_has_its_reason(codes: dict[str, int], words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        Nvml(lambda name: Library([0], **codes))


def test_without_the_library_there_is_a_reason() -> None:
    with pytest.raises(Unreadable, match="install the NVIDIA driver"):
        Nvml(lambda name: ctypes.CDLL("libnothing-of-the-kind.so.1"))
