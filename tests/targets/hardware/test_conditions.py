"""The state of the machine, read from a copy of ``/proc`` and ``/sys``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgekit_targets.hardware.conditions import read_conditions, worst_of
from edgekit_targets.types.profile import Conditions, DeviceConditions


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "proc/stat", "cpu 1 2 3\n")
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def state(root: Path) -> Conditions:
    found = read_conditions(root)
    assert found is not None
    return found


def test_a_machine_that_tells_nothing_has_nulls(root: Path, tmp_path: Path) -> None:
    assert state(root) == Conditions(
        governor=None,
        frequency_hz=None,
        temperature_celsius=None,
        throttled=None,
        power=None,
        swap_used_bytes=None,
        load_average=None,
    )
    assert read_conditions(tmp_path / "elsewhere") is None


def test_the_fastest_core_and_the_hottest_zone_count(root: Path) -> None:
    for core, kilohertz in enumerate((800_000, 2_400_000)):
        put(root, f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq", f"{kilohertz}\n")
    for zone, millidegrees in enumerate((45_000, 81_500)):
        put(root, f"sys/class/thermal/thermal_zone{zone}/temp", f"{millidegrees}\n")
    put(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "ondemand\n")
    put(root, "proc/loadavg", "0.52 0.58 0.59 1/389 12345\n")
    put(root, "proc/meminfo", "MemTotal: 100 kB\nSwapTotal:    2048 kB\nSwapFree:  1024 kB\n")
    found = state(root)
    assert (found.frequency_hz, found.temperature_celsius, found.governor) == (2.4e9, 81.5, "ondemand")
    assert (found.load_average, found.swap_used_bytes) == (0.52, 1024 * 1024)


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        ("0", ()),
        ("50005", ("under-voltage", "throttled")),
        ("0x8", ("soft temperature limit",)),
        ("50000", ()),
        ("nonsense", None),
    ],
)
def test_the_bits_of_a_raspberry_pi_tell_what_holds_now(root: Path, bits: str, words: tuple[str, ...] | None) -> None:
    put(root, "sys/devices/platform/soc/soc:firmware/get_throttled", f"{bits}\n")
    assert state(root).throttled == words


def test_a_kernel_without_them_tells_under_voltage_alone(root: Path) -> None:
    put(root, "sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    assert state(root).throttled == ("under-voltage",)


def test_mains_and_battery(root: Path) -> None:
    put(root, "sys/class/power_supply/BAT0/type", "Battery\n")
    put(root, "sys/class/power_supply/BAT0/status", "Discharging\n")
    put(root, "sys/class/power_supply/AC/type", "Mains\n")
    put(root, "sys/class/power_supply/AC/online", "0\n")
    assert state(root).power == "battery"
    put(root, "sys/class/power_supply/AC/online", "1\n")
    assert state(root).power == "mains"


def test_the_worst_of_several_is_the_hottest_slowest_and_most_throttled() -> None:
    cool = Conditions(
        governor="ondemand",
        frequency_hz=2e9,
        temperature_celsius=50.0,
        throttled=("throttled",),
        power="mains",
        swap_used_bytes=0,
        load_average=0.1,
    )
    hot = replace(cool, frequency_hz=1e9, temperature_celsius=85.0, throttled=("under-voltage",), power="battery")
    found = worst_of([cool, hot, replace(cool, frequency_hz=None, throttled=None)])
    assert found is not None
    assert (found.frequency_hz, found.temperature_celsius, found.power) == (1e9, 85.0, "battery")
    assert found.throttled == ("throttled", "under-voltage")
    assert worst_of([]) is None


def test_the_worst_of_a_gpu_is_told_beside_that_of_the_processor() -> None:
    cool = DeviceConditions(frequency_hz=1.98e9, temperature_celsius=40.0, throttled=())
    hot = DeviceConditions(frequency_hz=1.2e9, temperature_celsius=None, throttled=("thermal slowdown",))
    rest = Conditions(
        governor=None,
        frequency_hz=None,
        temperature_celsius=30.0,
        throttled=None,
        power=None,
        swap_used_bytes=None,
        load_average=None,
    )
    found = worst_of([replace(rest, device=cool), rest, replace(rest, device=hot)])
    assert found is not None
    assert found.device == DeviceConditions(
        frequency_hz=1.2e9, temperature_celsius=40.0, throttled=("thermal slowdown",)
    )
    assert found.hottest_celsius == 40.0, "the processor's heat is not the GPU's"
    assert rest.hottest_celsius == 30.0


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="no /proc here")
def test_this_machine_has_a_state() -> None:
    assert state(Path("/")).load_average is not None
