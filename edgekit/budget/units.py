"""Quantities with units, as people write them in a budget: ``20ms``, ``64MiB``, ``90%``, ``1.5 mJ``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

Dimension = Literal["time", "bytes", "share", "energy"]

UNITS: dict[Dimension, dict[str, float]] = {
    "time": {"us": 1e-6, "ms": 1e-3, "s": 1.0},
    "bytes": {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
    "share": {"": 1.0, "%": 0.01},
    "energy": {"mJ": 1e-3, "J": 1.0},
}
_QUANTITY = re.compile(r"([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?|-[^ ]*)\s*([A-Za-z%]*)")


@dataclass(frozen=True)
class UnitError(ValueError):
    """Why a quantity could not be read; the caller adds which limit it belongs to."""

    reason: str

    def __str__(self) -> str:
        return self.reason


def parse_quantity(text: str, dimension: Dimension) -> float:
    """Read a positive quantity into SI units (seconds, bytes, joules) or a share of one.

    Raises:
        UnitError: not a number, wrong or missing unit, not positive, or a share above 100 %.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise UnitError(f"{text.strip()!r} is not a number with a unit")
    digits, unit = match.groups()
    if digits.startswith("-"):
        raise UnitError(f"{text.strip()!r} is negative; a limit is a positive quantity")
    units = UNITS[dimension]
    if unit not in units:
        known = ", ".join(name or "no unit" for name in units)
        found = f"has the unit {unit!r}" if unit else "has no unit"
        raise UnitError(f"{text.strip()!r} {found}; use one of: {known}")
    value = float(digits) * units[unit] if unit != "%" else float(digits) / 100.0
    if not math.isfinite(value) or value <= 0.0:
        raise UnitError(f"{text.strip()!r} is not a positive, finite quantity")
    if dimension == "share" and value > 1.0:
        raise UnitError(f"{text.strip()!r} is more than 100 %; write a share such as 0.9 or 90%")
    return value


def format_quantity(value: float, dimension: Dimension) -> str:
    """Write a quantity so that :func:`parse_quantity` gives exactly ``value`` back, in the nicest unit that does."""
    candidates = [
        f"{scaled:.12g}{unit}" for unit, scale in UNITS[dimension].items() if 0.1 <= (scaled := value / scale) < 1e6
    ]
    for text in sorted(candidates, key=len):
        if parse_quantity(text, dimension) == value:
            return text
    base = {"time": "s", "bytes": "B", "share": "", "energy": "J"}[dimension]
    return f"{value!r}{base}"
