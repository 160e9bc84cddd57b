"""The energy counters of Intel and AMD processors (RAPL), read by the kernel's powercap interface.

``intel-rapl:N`` are the zones of whole processors (packages) and, on some machines, of the platform (``psys``), which
holds the packages and is left out. Each counts microjoules and starts again from 0 after ``max_energy_range_uj``
(Documentation/power/powercap/powercap.rst); since Linux 5.10 only root may read it (CVE-2020-8694).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgekit_targets.hardware.energy.contract import Unreadable

MOST_WATTS = 1000.0
"""No processor draws more than this. An interval in which a counter could start again twice tells nothing."""
_ZONES = "sys/class/powercap"
_REMEDY = (
    "run as root, or allow it until the next start with: sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj"
)


@dataclass(frozen=True)
class _Package:
    counter: Path
    range_microjoules: int


class Rapl:
    """The packages of this machine, added up."""

    name = "measured: RAPL, processor package"
    window_seconds = 0.5

    def __init__(self, root: Path = Path("/"), now: Callable[[], float] = time.monotonic) -> None:
        """Find the counters. ``root`` is another folder in tests.

        Raises:
            Unreadable: there are none, or they may not be read.
        """
        self._now = now
        self._packages = _packages(root)
        if not self._packages:
            raise Unreadable("RAPL: this kernel has no /sys/class/powercap/intel-rapl:0 of a processor package")
        if len(self._packages) > 1:
            self.name = f"measured: RAPL, {len(self._packages)} processor packages"
        self.start()

    def start(self) -> None:
        """Read every counter."""
        self._since = self._now()
        self._before = [_count(package.counter) for package in self._packages]

    def stop(self) -> float:
        """Read every counter again."""
        after = [_count(package.counter) for package in self._packages]
        seconds = self._now() - self._since
        return sum(
            joules_between(before, value, package.range_microjoules, seconds)
            for before, value, package in zip(self._before, after, self._packages, strict=True)
        )


def joules_between(before: int, after: int, range_microjoules: int, seconds: float) -> float:
    """What a counter that starts again from 0 after ``range_microjoules`` has counted in ``seconds``.

    Raises:
        Unreadable: it may have started again more than once.
    """
    if seconds * MOST_WATTS * 1e6 >= range_microjoules:
        raise Unreadable(
            f"RAPL: {seconds:.0f} s between two readings, in which the counter may have started again more than once"
        )
    return ((after - before) % (range_microjoules + 1)) / 1e6


def _packages(root: Path) -> list[_Package]:
    found = []
    for zone in sorted((root / _ZONES).glob("intel-rapl:*")):
        if re.fullmatch(r"intel-rapl:\d+", zone.name) and (_text(zone / "name") or "").startswith("package"):
            text = _text(zone / "max_energy_range_uj")
            if text is None or not text.isdecimal() or int(text) == 0:
                raise Unreadable(f"RAPL: {zone} does not tell when its counter starts again (max_energy_range_uj)")
            found.append(_Package(counter=zone / "energy_uj", range_microjoules=int(text)))
    return found


def _count(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except PermissionError as error:
        raise Unreadable(f"RAPL: {path} may not be read; {_REMEDY}") from error
    except (OSError, ValueError) as error:
        raise Unreadable(f"RAPL: {path} cannot be read ({error})") from error


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
