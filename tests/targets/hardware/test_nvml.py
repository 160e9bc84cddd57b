"""NVML's interface by way of callbacks with its own signatures: what crosses it is what crosses to the driver."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from edgekit_targets.hardware.nvml import Nvml, _Process

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

        self.nvmlInit_v2 = ctypes.CFUNCTYPE(ctypes.c_int)(init)
        self.nvmlDeviceGetHandleByIndex_v2 = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint, POINTER(ctypes.c_void_p))(
            device
        )
        self.nvmlDeviceGetComputeRunningProcesses_v3 = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.c_void_p, POINTER(ctypes.c_uint), POINTER(_Process)
        )(running)


def test_it_finds_this_process_among_others() -> None:
    others = [(number, 5) for number in range(100, 120)]
    assert Nvml(Library([*others, (42, 300 << 20)]), pid=42).used() == 300 << 20


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        (Library([(1, 2)]), "does not list this process"),
        (Library([]), "does not list this process"),
        (Library([(42, 2**64 - 1)]), "does not tell the memory of a process"),
        (Library([(42, 1)], init=9), r"cannot read NVML \(error 9\)"),
        (Library([(42, 1)], device=6), r"cannot read the GPU \(error 6\)"),
        (Library([(42, 1)], running=3), r"cannot read the processes on the GPU \(error 3\)"),
    ],
)
def test_what_it_cannot_tell_has_a_reason(library: Library, reason: str) -> None:
    with pytest.raises(OSError, match=reason):
        Nvml(library, pid=42).used()


def test_without_a_driver_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit_targets.hardware.nvml._LIBRARY", "libnothing-of-nvidia.so.1")
    with pytest.raises(OSError, match="libnothing-of-nvidia"):
        Nvml().used()
