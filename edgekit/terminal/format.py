"""Numbers as people read them: three significant digits, a unit, the interval. Shared by the tables and the report.

Everything here is pure and imports nothing heavy. A value that was not measured is ``None`` and reads
"not measured", never 0; a value that is not 0 never reads 0, and a share below 1 never reads 100 %.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edgekit.budget.keys import find_key
from edgekit.budget.units import Dimension
from edgekit_targets.types.verdict import Status

NOT_MEASURED = "not measured"
SYMBOLS: dict[Status, str] = {"pass": "✓", "fail": "✗", "undecided": "?", "unmeasured": "–"}
_DIGITS = 3
_MOST_DECIMALS = 6


@dataclass(frozen=True)
class Unit:
    """A unit and how many of the SI base unit it holds: ``Unit("ms", 1e-3)``."""

    name: str
    factor: float


SECONDS = (Unit("us", 1e-6), Unit("ms", 1e-3), Unit("s", 1.0))
BYTES = (Unit("B", 1.0), Unit("KiB", 2.0**10), Unit("MiB", 2.0**20), Unit("GiB", 2.0**30))
_DECIMAL_BYTES = (Unit("B", 1.0), Unit("kB", 1e3), Unit("MB", 1e6))
JOULES = (Unit("uJ", 1e-6), Unit("mJ", 1e-3), Unit("J", 1.0))


class Formatter(Protocol):
    """A number to text. ``like`` is the number whose unit is used, so that a value and its interval share one."""

    def __call__(self, value: float | None, *, like: float | None = None) -> str:
        """The text of ``value``, :data:`NOT_MEASURED` for ``None``."""


def seconds(value: float | None, *, like: float | None = None) -> str:
    """A duration in us, ms or s: ``0.000412`` is ``"412 us"``."""
    return _scaled(value, like, SECONDS)


def size(value: float | None, *, like: float | None = None) -> str:
    """A number of bytes in B, KiB, MiB or GiB: ``53477376`` is ``"51.0 MiB"``. Whole bytes stay whole."""
    if value is not None and unit_for(BYTES, value if like is None else like).name == "B" and float(value).is_integer():
        return f"{value:.0f} B"
    return _scaled(value, like, BYTES)


def joules(value: float | None, *, like: float | None = None) -> str:
    """An energy in uJ, mJ or J."""
    return _scaled(value, like, JOULES)


def percent(value: float | None, *, like: float | None = None) -> str:
    """A share in percent: ``0.976`` is ``"97.6 %"``. Only exactly 1 reads ``"100 %"``."""
    if value is None:
        return NOT_MEASURED
    for digits in range(_DIGITS, 3 * _DIGITS):
        text = number(value * 100, digits=digits)
        if float(text) != 100.0:
            return f"{text} %"
    return "100 %" if value == 1 else f"{value * 100!r} %"


def margin(value: float | None) -> str:
    """A signed share: ``0.17`` is ``"+17.0 %"``, a broken limit is negative."""
    return NOT_MEASURED if value is None else ("+" if value > 0 else "") + percent(value)


def plain(value: float | None, *, like: float | None = None) -> str:
    """A number without a unit, such as a score."""
    return NOT_MEASURED if value is None else number(value)


def number(value: float, *, digits: int = _DIGITS) -> str:
    """``value`` with ``digits`` significant digits, no exponent between 1e-6 and a million, whole from 100 on."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    decimals = digits - 1 - math.floor(math.log10(abs(rounded)))
    if decimals > _MOST_DECIMALS or abs(rounded) >= 1e6:
        return f"{value:.{digits}g}"
    return f"{rounded:.{decimals}f}" if decimals > 0 else f"{value:.0f}"


def count(value: int | None) -> str:
    """A whole number with its thousands apart: ``104329`` is ``"104,329"``."""
    return NOT_MEASURED if value is None else f"{value:,}"


def interval(value: float | None, low: float | None, high: float | None, formatter: Formatter) -> str:
    """``"412 us [398, 431]"``: all three in the unit of the value.

    A figure without any bound is the value alone; where the samples gave only one, the other is said to be missing.
    """
    if value is None:
        return NOT_MEASURED
    if low is None and high is None:
        return formatter(value)
    lower = "no lower bound" if low is None else _bare(formatter(low, like=value))
    upper = "no upper bound" if high is None else _bare(formatter(high, like=value))
    return f"{formatter(value)} [{lower}, {upper}]"


def limit(name: str, value: float) -> str:
    """A limit of a budget as it was set, not rounded to three digits: ``limit("p99", 0.02)`` is ``"20 ms"``."""
    key = find_key(name)
    if key is None or value == 0:
        return f"{value:.6g}"
    if key.dimension == "share":
        return f"{value * 100:.6g} %"
    units = [unit_for(_UNITS[key.dimension], value)]
    if key.dimension == "bytes":
        units.append(unit_for(_DECIMAL_BYTES, value))
    # Whichever it was set in reads shorter: 64 MiB, 1 MB.
    texts = [f"{value / unit.factor:.6g} {unit.name}" for unit in units]
    return min(texts, key=lambda text: len(text.partition(" ")[0]))


def figure(name: str, value: float | None, low: float | None, high: float | None) -> str:
    """The figure of a budget key with its interval; one that is exact (a file's size) needs none."""
    formatter = formatter_for(name)
    return formatter(value) if name == "size" else interval(value, low, high, formatter)


def formatter_for(name: str) -> Formatter:
    """How the figures of a budget key are written; an unknown key (a task's own metric) is a plain number."""
    key = find_key(name)
    return plain if key is None else _FORMATTERS[key.dimension]


def unit_for(units: Sequence[Unit], value: float) -> Unit:
    """The unit of ``units`` (smallest first) in which ``value`` reads as a number from 1 up to the next unit."""
    for unit, larger in itertools.pairwise(units):
        if float(number(abs(value) / unit.factor)) * unit.factor < larger.factor * (1 - 1e-9):
            return unit
    return units[-1]


def _scaled(value: float | None, like: float | None, units: Sequence[Unit]) -> str:
    if value is None:
        return NOT_MEASURED
    # A zero has no unit of its own; the base unit (factor 1) is the plain way to write it.
    anchor = value if like is None else like
    unit = unit_for(units, anchor) if anchor else next(unit for unit in units if unit.factor == 1.0)
    return f"{number(value / unit.factor)} {unit.name}"


def _bare(text: str) -> str:
    return text.rpartition(" ")[0] or text


_UNITS: dict[Dimension, Sequence[Unit]] = {"time": SECONDS, "bytes": BYTES, "energy": JOULES}
_FORMATTERS: dict[Dimension, Formatter] = {"time": seconds, "bytes": size, "share": percent, "energy": joules}
