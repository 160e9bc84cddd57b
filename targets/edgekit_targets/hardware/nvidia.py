"""The NVIDIA GPU that CUDA computes on, as NVIDIA's management library (NVML) knows it, by way of ctypes.

CUDA and NVML number GPUs differently, and ``CUDA_VISIBLE_DEVICES`` is for CUDA alone, so with several of them CUDA's
driver is asked for the address of its first one. The functions are those of nvml.h (NVML API reference) and cuda.h
(CUDA driver API).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

MANAGEMENT, DRIVER = "libnvidia-ml.so.1", "libcuda.so.1"
_ADDRESS_BYTES = 64
_NAME_BYTES = 96  # NVML_DEVICE_NAME_V2_BUFFER_SIZE; the driver's version has fewer
_MESSAGES = {
    3: "it does not tell this of the GPU here",
    4: "no permission",
    6: "there is no NVIDIA GPU",
    9: "the NVIDIA driver is not loaded",
    15: "the GPU was lost",
}
"""The values of ``nvmlReturn_t`` in nvml.h."""

Load = Callable[[str], Any]


def open_gpu(load: Load = ctypes.CDLL) -> tuple[Any, ctypes.c_void_p]:
    """The library, and the handle of the GPU that is CUDA's first.

    Raises:
        OSError: there is no driver, no GPU, or no telling which of several it is.
    """
    try:
        library = load(MANAGEMENT)
    except OSError as error:
        raise OSError(f"NVML: {MANAGEMENT} is not here; install the NVIDIA driver") from error
    check(library.nvmlInit_v2())
    count, device = ctypes.c_uint(0), ctypes.c_void_p()
    check(library.nvmlDeviceGetCount_v2(ctypes.byref(count)))
    if count.value == 1:
        check(library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(0), ctypes.byref(device)))
    elif count.value > 1:
        address = _first_of_cuda(load, count.value)
        check(library.nvmlDeviceGetHandleByPciBusId_v2(ctypes.c_char_p(address), ctypes.byref(device)))
    else:
        raise OSError(f"NVML: {_MESSAGES[6]}")
    return library, device


def describe_gpu(load: Load = ctypes.CDLL) -> tuple[str | None, str | None]:
    """The name of the GPU that is CUDA's first and the driver's version; nulls where there is none to be asked."""
    name, driver = (ctypes.create_string_buffer(_NAME_BYTES) for _ in range(2))
    try:
        library, device = open_gpu(load)
        check(library.nvmlDeviceGetName(device, name, ctypes.c_uint(_NAME_BYTES)))
        check(library.nvmlSystemGetDriverVersion(driver, ctypes.c_uint(_NAME_BYTES)))
    except OSError:
        return None, None
    return name.value.decode("utf-8", "replace"), driver.value.decode("utf-8", "replace")


def check(code: int) -> None:
    """Raise what a code of NVML says.

    Raises:
        OSError: it is not that of success.
    """
    if code:
        raise OSError(f"NVML: {_MESSAGES.get(code, f'error {code}')}")


def _first_of_cuda(load: Load, among: int) -> bytes:
    """The PCI address of the GPU that CUDA calls 0 in this process."""
    unknown = f"NVML: CUDA does not tell which of the {among} GPUs it uses"
    try:
        driver = load(DRIVER)
    except OSError as error:
        raise OSError(unknown) from error
    device, address = ctypes.c_int(0), ctypes.create_string_buffer(_ADDRESS_BYTES)
    if (
        driver.cuInit(ctypes.c_uint(0))
        or driver.cuDeviceGet(ctypes.byref(device), ctypes.c_int(0))
        or driver.cuDeviceGetPCIBusId(address, ctypes.c_int(_ADDRESS_BYTES), device)
    ):
        raise OSError(unknown)
    return address.value
