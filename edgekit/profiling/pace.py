"""The pace of a measurement: closed loop, or an input every period (``--every``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.budget.units import UnitError, parse_quantity
from edgekit_targets.errors import InputError
from edgekit_targets.measure.pace import SHORTEST_SECONDS
from edgekit_targets.types.manifest import Mode
from edgekit_targets.types.profile import Measurement

STREAM_SECONDS = 0.02
"""What a stream is measured at unless told otherwise: 50 inputs a second, as of a motion sensor or an audio hop."""
_LONGEST_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Pace:
    """The period of each mode in seconds; null for a closed loop."""

    window: float | None = None
    stream: float | None = STREAM_SECONDS

    def of(self, mode: Mode) -> float | None:
        """The period of one mode."""
        return self.stream if mode == "stream" else self.window


def parse_pace(text: str | None) -> Pace | None:
    """Read ``--every``: ``20ms`` for both modes, ``none`` for a closed loop; nothing for the defaults of each.

    Raises:
        InputError: no duration, or one beyond a minute.
    """
    if text is None:
        return None
    if text.strip().lower() == "none":
        return Pace(window=None, stream=None)
    try:
        seconds = parse_quantity(text, "time")
    except UnitError as error:
        raise InputError(f"--every: {error}; write e.g. --every 20ms, or --every none for a closed loop") from error
    if not SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
        raise InputError(f"--every {text}: a period lies between 10us and {_LONGEST_SECONDS:.0f}s")
    return Pace(window=seconds, stream=seconds)


def parse_soak(text: str | None) -> float | None:
    """Read ``--soak`` into seconds: ``30m``, ``90s``.

    Raises:
        InputError: no duration, one under 3 s or one beyond a day.
    """
    if text is None:
        return None
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(s|m|min|h)\s*", text)
    seconds = float(match[1]) * {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}[match[2]] if match else 0.0
    if not 3.0 <= seconds <= 86_400.0:
        raise InputError(f"--soak {text!r} is no duration between 3s and 24h; write e.g. --soak 30m")
    return seconds


def choose_pace(measurements: Sequence[Measurement], mode: Mode, asked: Pace | None) -> float | None:
    """The pace at which candidates of a mode are judged.

    What was asked for; else, of what was measured, a closed loop for windows and a pace for streams.

    Raises:
        InputError: only several paces were measured, and none was asked for.
    """
    if asked is not None:
        return asked.of(mode)
    found = {one.every_seconds for one in measurements if one.mode == mode}
    paces = sorted(one for one in found if one is not None)
    if None in found and (mode == "window" or not paces):
        return None
    if len(paces) > 1:
        listed = ", ".join(f"{pace * 1e3:g}ms" for pace in paces)
        raise InputError(f"{mode}s were measured at several paces ({listed}); say which with --every")
    return paces[0] if paces else None
