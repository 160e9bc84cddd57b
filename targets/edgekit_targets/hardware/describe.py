"""What machine this is, read from ``/proc``, ``/sys`` and ``/etc``; what cannot be read is null."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Callable
from pathlib import Path

from edgekit_targets.hardware.nvidia import describe_gpu
from edgekit_targets.records import dumps
from edgekit_targets.types.profile import Device

_ARM_CORES = {
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0a": "Cortex-A75",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd40": "Neoverse-V1",
    "0xd41": "Cortex-A78",
    "0xd42": "Cortex-A78AE",
    "0xd49": "Neoverse-N2",
}
"""Main ID register part numbers, for implementer 0x41 (Arm Ltd), as util-linux's lscpu-arm.c lists them."""

_ISA_WORDS = {
    "avx2": ("avx2",),
    "vnni": ("avx512_vnni", "avx_vnni"),
    "arm-dotprod": ("asimddp",),
}
"""edgekit's words for what an integer file may assume, and the flags of which any one grants it."""

_RAW_FLAGS = (
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimddp",
    "asimdhp",
    "i8mm",
    "bf16",
    "sve",
    "sve2",
)
_GIB = 1 << 30


def describe(
    name: str = "local", root: Path = Path("/"), gpu: Callable[[], tuple[str | None, str | None]] = describe_gpu
) -> Device:
    """This machine's facts under the name its user gave it. ``root`` and ``gpu`` are others in tests."""
    cpuinfo = _read(root / "proc/cpuinfo") or ""
    model = _model(root, cpuinfo)
    cpu = _cpu(cpuinfo)
    isa = _isa(cpuinfo)
    architecture = platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = _memory_bytes(_read(root / "proc/meminfo") or "")
    gpu_name, gpu_driver = gpu()
    return Device(
        name=name,
        model=model,
        cpu=cpu,
        architecture=architecture,
        isa=isa,
        cores=cores,
        memory_bytes=memory,
        os=_os(_read(root / "etc/os-release") or ""),
        python=platform.python_version(),
        governor=_read(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        fingerprint=_fingerprint(
            _read(root / "etc/machine-id"),
            model,
            cpu,
            architecture,
            isa,
            cores,
            # A kernel update changes the last megabytes of it.
            None if memory is None else round(memory / _GIB),
            *filter(None, [gpu_name]),
        ),
        gpu=gpu_name,
        gpu_driver=gpu_driver,
    )


def _read(path: Path) -> str | None:
    """The text of a small file without the NULs and blanks around it; null where it is missing or empty."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.strip("\0\n\t ") or None


def _model(root: Path, cpuinfo: str) -> str | None:
    return (
        _read(root / "proc/device-tree/model")
        or _read(root / "sys/class/dmi/id/product_name")
        or _entry(cpuinfo, "Model")
    )


def _cpu(cpuinfo: str) -> str | None:
    named = _entry(cpuinfo, "model name")
    if named is not None:
        return named
    part = _entry(cpuinfo, "CPU part")
    if part is None:
        return None
    known = _ARM_CORES.get(part) if _entry(cpuinfo, "CPU implementer") == "0x41" else None
    return known or f"ARM part {part}"


def _isa(cpuinfo: str) -> tuple[str, ...]:
    flags = set((_entry(cpuinfo, "flags") or _entry(cpuinfo, "Features") or "").split())
    words = [word for word, any_of in _ISA_WORDS.items() if flags.intersection(any_of)]
    return (*words, *(flag for flag in _RAW_FLAGS if flag in flags))


def _entry(text: str, key: str) -> str | None:
    match = re.search(rf"^{re.escape(key)}\s*:\s*(\S.*?)\s*$", text, re.MULTILINE)
    return match[1] if match else None


def _memory_bytes(meminfo: str) -> int | None:
    match = re.search(r"^MemTotal:\s+(\d+) kB$", meminfo, re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def _os(release: str) -> str:
    match = re.search(r'^PRETTY_NAME="?(.*?)"?$', release, re.MULTILINE)
    return match[1] if match else f"{platform.system()} {platform.release()}"


def _fingerprint(*facts: object) -> str:
    return hashlib.sha256(dumps(facts).encode("utf-8")).hexdigest()
