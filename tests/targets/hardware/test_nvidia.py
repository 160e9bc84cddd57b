"""Which of several GPUs is read: the one that CUDA computes on, by NVML's and CUDA's own signatures."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from edgekit_targets.hardware.nvidia import DRIVER, MANAGEMENT, describe_gpu, open_gpu

ADDRESSES = [b"00000000:01:00.0", b"00000000:41:00.0"]


class Management:
    """NVML with ``gpus`` GPUs; the handle of each is 100 and its number. ``code`` is what asking for a name returns."""

    def __init__(self, gpus: int, code: int = 0) -> None:
        self._gpus, self._code = gpus, code

    def nvmlInit_v2(self) -> int:
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        ctypes.cast(count, ctypes.POINTER(ctypes.c_uint))[0] = self._gpus
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: Any, device: Any) -> int:
        return self._give(index.value, device)

    def nvmlDeviceGetHandleByPciBusId_v2(self, address: Any, device: Any) -> int:
        return self._give(ADDRESSES.index(address.value), device)

    def nvmlDeviceGetName(self, device: Any, name: Any, size: Any) -> int:
        name.value = f"NVIDIA Toy {device.value}".encode()
        assert size.value > len(name.value)
        return self._code

    def nvmlSystemGetDriverVersion(self, version: Any, size: Any) -> int:
        version.value = b"580.1"
        return 0

    def _give(self, number: int, device: Any) -> int:
        ctypes.cast(device, ctypes.POINTER(ctypes.c_void_p))[0] = 100 + number
        return 0


class Cuda:
    """CUDA's driver, whose first GPU is the one at ``address``; ``code`` is what it returns."""

    def __init__(self, address: bytes, code: int = 0) -> None:
        self._address, self._code = address, code

    def cuInit(self, flags: Any) -> int:
        return self._code

    def cuDeviceGet(self, device: Any, number: Any) -> int:
        assert number.value == 0
        ctypes.cast(device, ctypes.POINTER(ctypes.c_int))[0] = 7
        return 0

    def cuDeviceGetPCIBusId(self, address: Any, size: Any, device: Any) -> int:
        assert device.value == 7
        assert size.value > len(self._address)
        address.value = self._address
        return 0


def opened(gpus: int, cuda: Cuda | None) -> int | None:
    def load(name: str) -> Any:
        if name == MANAGEMENT:
            return Management(gpus)
        assert name == DRIVER
        if cuda is None:
            raise OSError("no such library")
        return cuda

    return open_gpu(load)[1].value


def test_the_only_gpu_is_the_one() -> None:
    assert opened(1, None) == 100


@pytest.mark.parametrize(("address", "handle"), [(ADDRESSES[0], 100), (ADDRESSES[1], 101)])
def test_of_several_it_is_the_one_that_cuda_sees_first(address: bytes, handle: int) -> None:
    assert opened(2, Cuda(address)) == handle


@pytest.mark.parametrize("cuda", [None, Cuda(ADDRESSES[0], code=100)])
def test_where_cuda_does_not_tell_no_figure_is_given(cuda: Cuda | None) -> None:
    with pytest.raises(OSError, match="which of the 2 GPUs it uses"):
        opened(2, cuda)


def test_it_is_known_by_name_and_driver() -> None:
    assert describe_gpu(lambda name: Management(1)) == ("NVIDIA Toy 100", "580.1")


@pytest.mark.parametrize("library", [None, Management(0), Management(1, code=15)])
def test_where_none_can_be_asked_there_is_none(library: Management | None) -> None:
    def load(name: str) -> Any:
        if library is None:
            raise OSError("no such library")
        return library

    assert describe_gpu(load) == (None, None)


def test_without_a_gpu_there_is_a_reason() -> None:
    with pytest.raises(OSError, match="there is no NVIDIA GPU"):
        opened(0, None)
