"""NVML's interface by way of callbacks with its own signatures: what crosses it is what crosses to the driver."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from edgekit_targets.hardware.nvml import Nvml, _Process
from edgekit_targets.types.profile import DeviceConditions

POINTER = ctypes.POINTER


class Library:
    """A driver with the given processes; ``codes`` are what its functions return instead of 0."""

    def __init__(self, processes: list[tuple[int, int]], **codes: int) -> None:
        def init() -> int:
            return codes.get("init", 0)

        def device(index: int, handle: Any) -> int:
            handle[0] = ctypes.c_void_p(0x5EED)
            return codes.get("device", 0) or (index != 0)

        def running(handle: int, count: Any, found: Any) -> int:
            assert handle == 0x5EED
            room, count[0] = count[0], len(processes)
            if room < len(processes):
                return 7
            for place, (pid, used) in enumerate(processes):
                found[place] = _Process(pid, used, 0, 0)
            return codes.get("running", 0)

        def count(found: Any) -> int:
            found[0] = 1
            return 0

        self.nvmlDeviceGetCount_v2 = ctypes.CFUNCTYPE(ctypes.c_int, POINTER(ctypes.c_uint))(count)
        self.nvmlInit_v2 = ctypes.CFUNCTYPE(ctypes.c_int)(init)
        self.nvmlDeviceGetHandleByIndex_v2 = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint, POINTER(ctypes.c_void_p))(
            device
        )
        self.nvmlDeviceGetComputeRunningProcesses_v3 = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.c_void_p, POINTER(ctypes.c_uint), POINTER(_Process)
        )(running)


def test_it_finds_this_process_among_others() -> None:
    others = [(number, 5) for number in range(100, 120)]
    assert Nvml(lambda name: Library([*others, (42, 300 << 20)]), pid=42).used() == 300 << 20


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        (Library([(1, 2)]), "does not list this process"),
        (Library([]), "does not list this process"),
        (Library([(42, 2**64 - 1)]), "does not tell the memory of a process"),
        (Library([(42, 1)], init=9), "NVML: the NVIDIA driver is not loaded"),
        (Library([(42, 1)], device=6), "NVML: there is no NVIDIA GPU"),
        (Library([(42, 1)], running=3), "NVML: it does not tell this of the GPU here"),
    ],
)
def test_what_it_cannot_tell_has_a_reason(library: Library, reason: str) -> None:
    with pytest.raises(OSError, match=reason):
        Nvml(lambda name: library, pid=42).used()


def state(**answers: int) -> DeviceConditions | None:
    """Of a GPU whose driver has these figures and no other function."""
    library = Library([])
    names = {"clock": "nvmlDeviceGetClockInfo", "heat": "nvmlDeviceGetTemperature"}

    def one(name: str) -> Any:
        def tell(handle: int, kind: int, found: Any) -> int:
            assert (handle, kind) == (0x5EED, {"clock": 1, "heat": 0}[name])
            found[0] = answers[name]
            return 3 if answers[name] == 0 else 0

        return ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, POINTER(ctypes.c_uint))(tell)

    def reasons(handle: int, found: Any) -> int:
        found[0] = answers["bits"]
        return 0

    for name, function in names.items():
        if name in answers:
            setattr(library, function, one(name))
    if "bits" in answers:
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, POINTER(ctypes.c_ulonglong))
        setattr(library, "nvmlDeviceGetCurrentClocksThrottleReasons", kind(reasons))  # noqa: B010 (it has no such field)
    return Nvml(lambda name: library, pid=42).conditions()


def test_it_tells_clock_heat_and_what_holds_the_gpu_back() -> None:
    found = state(clock=1980, heat=38, bits=0x1 | 0x4 | 0x40)
    assert found == DeviceConditions(
        frequency_hz=1.98e9, temperature_celsius=38.0, throttled=("power cap", "hardware thermal slowdown")
    )
    assert state(clock=345, heat=30, bits=0x1) == DeviceConditions(
        frequency_hz=3.45e8, temperature_celsius=30.0, throttled=()
    ), "a GPU that idles is not held back"


def test_what_the_driver_does_not_tell_is_null() -> None:
    assert state() == DeviceConditions(frequency_hz=None, temperature_celsius=None, throttled=None)
    assert state(clock=0, heat=50) == DeviceConditions(frequency_hz=None, temperature_celsius=50.0, throttled=None)
    assert Nvml(lambda name: Library([], device=6), pid=42).conditions() is None


def test_without_a_driver_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit_targets.hardware.nvidia.MANAGEMENT", "libnothing-of-nvidia.so.1")
    with pytest.raises(OSError, match=r"libnothing-of-nvidia\.so\.1 is not here; install the NVIDIA driver"):
        Nvml().used()
    assert Nvml().conditions() is None
