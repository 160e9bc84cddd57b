"""The state of the machine that latencies depend on: governor, clock, heat, power, swap, load; read in well under 1 ms.

Everything comes from ``/proc`` and ``/sys``; nothing is started. The throttle bits of a Raspberry Pi are those of its
firmware's ``get_throttled``, which the kernel driver ``raspberrypi-hwmon`` reports in part and newer kernels as a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeVar

from edgekit_targets.types.profile import Conditions, DeviceConditions

Number = TypeVar("Number", int, float)

_PI_BITS = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
"""Bits of ``vcgencmd get_throttled`` that tell what holds now; bits 16 to 19 the same since boot."""
_PI_FILES = (
    "sys/devices/platform/soc/soc:firmware/get_throttled",
    "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled",
)


def read_conditions(root: Path = Path("/")) -> Conditions | None:
    """The state now, or nothing on a system without ``/proc``. ``root`` is another folder in tests."""
    if not (root / "proc/stat").is_file():
        return None
    cpus = root / "sys/devices/system/cpu"
    return Conditions(
        governor=_text(cpus / "cpu0/cpufreq/scaling_governor"),
        frequency_hz=_largest(cpus.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"), 1e3),
        temperature_celsius=_largest((root / "sys/class/thermal").glob("thermal_zone*/temp"), 1e-3),
        throttled=_throttled(root),
        power=_power(root / "sys/class/power_supply"),
        swap_used_bytes=_swap_used(root / "proc/meminfo"),
        load_average=_load_average(root / "proc/loadavg"),
    )


def worst_of(several: Iterable[Conditions]) -> Conditions | None:
    """The slowest clock, the greatest heat, every throttle bit, battery where it was met; None of none."""
    found = list(several)
    if not found:
        return None
    powers = {one.power for one in found}
    return Conditions(
        governor=found[-1].governor,
        frequency_hz=_lowest(one.frequency_hz for one in found),
        temperature_celsius=_highest(one.temperature_celsius for one in found),
        throttled=_all_bits(one.throttled for one in found),
        power="battery" if "battery" in powers else found[-1].power,
        swap_used_bytes=_highest(one.swap_used_bytes for one in found),
        load_average=_highest(one.load_average for one in found),
        device=_worst_device([one.device for one in found if one.device is not None]),
    )


def _worst_device(found: list[DeviceConditions]) -> DeviceConditions | None:
    if not found:
        return None
    return DeviceConditions(
        frequency_hz=_lowest(one.frequency_hz for one in found),
        temperature_celsius=_highest(one.temperature_celsius for one in found),
        throttled=_all_bits(one.throttled for one in found),
    )


def _lowest(values: Iterable[Number | None]) -> Number | None:
    return min((value for value in values if value is not None), default=None)


def _highest(values: Iterable[Number | None]) -> Number | None:
    return max((value for value in values if value is not None), default=None)


def _all_bits(several: Iterable[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    told = [bits for bits in several if bits is not None]
    return tuple(dict.fromkeys(bit for bits in told for bit in bits)) if told else None


def _throttled(root: Path) -> tuple[str, ...] | None:
    """What holds the processor back now; null where this machine does not tell."""
    for name in _PI_FILES:
        text = _text(root / name)
        if text is not None:
            try:
                bits = int(text, 16)
            except ValueError:
                return None
            return tuple(word for bit, word in _PI_BITS.items() if bits & 1 << bit)
    alarms = [_text(path) for path in (root / "sys/class/hwmon").glob("hwmon*/in0_lcrit_alarm")]
    known = [alarm for alarm in alarms if alarm is not None]
    if known:  # raspberrypi-hwmon tells under-voltage alone
        return ("under-voltage",) if "1" in known else ()
    return None


def _power(folder: Path) -> Literal["mains", "battery"] | None:
    try:
        supplies = sorted(folder.iterdir())
    except OSError:
        return None
    kinds = {supply: _text(supply / "type") for supply in supplies}
    mains = [_text(supply / "online") for supply, kind in kinds.items() if kind in ("Mains", "USB", "Wireless")]
    if "1" in mains:
        return "mains"
    if any(kind == "Battery" and _text(supply / "status") == "Discharging" for supply, kind in kinds.items()):
        return "battery"
    return "mains" if "Battery" in kinds.values() else None


def _swap_used(path: Path) -> int | None:
    fields = dict(line.partition(":")[::2] for line in (_text(path) or "").splitlines())
    try:
        total, free = (int(fields[name].split()[0]) for name in ("SwapTotal", "SwapFree"))
    except (KeyError, ValueError, IndexError):
        return None
    return 1024 * (total - free)


def _load_average(path: Path) -> float | None:
    try:
        return float((_text(path) or "").split()[0])
    except (ValueError, IndexError):
        return None


def _largest(paths: Iterable[Path], unit: float) -> float | None:
    values = []
    for path in paths:
        try:
            values.append(float(_text(path) or "") * unit)
        except ValueError:
            continue
    return max(values, default=None)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip() or None
    except OSError:
        return None
