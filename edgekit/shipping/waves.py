"""Which devices get a release when: a few first, and the others only after those took it well."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from edgekit_targets.errors import InputError

DEFAULT = "1,100%"
_COUNT = re.compile(r"([1-9][0-9]{0,6})(%?)")
_REMEDY = "write how many devices have the release after each wave, the last one all of them, e.g. --waves 1,25%,100%"


def split(devices: Sequence[str], waves: str) -> tuple[tuple[str, ...], ...]:
    """Cut a list of devices into waves, in its own order.

    Each entry of ``waves`` says how many devices have the release once that wave is through: a number, or a percentage
    of all, rounded up. So ``1,10%,100%`` of 50 devices are waves of 1, 4 and 45. An entry that adds nobody (``5`` of
    three devices that have it already) is no wave, so that one setting suits a fleet of any size.

    Raises:
        InputError: an entry that is neither, one that is smaller than the one before it, or a last one that leaves
            devices out.
    """
    found: list[tuple[str, ...]] = []
    done = 0
    for entry in (part.strip() for part in waves.split(",")):
        reached = _reached(entry, len(devices))
        if reached < done:
            raise InputError(f"--waves {waves}: {entry} is less than the wave before it; {_REMEDY}")
        if reached > done:
            found.append(tuple(devices[done:reached]))
        done = reached
    if done < len(devices):
        raise InputError(f"--waves {waves} leaves out {len(devices) - done} of {len(devices)} devices; {_REMEDY}")
    return tuple(found)


def _reached(entry: str, devices: int) -> int:
    match = _COUNT.fullmatch(entry)
    number = 0 if match is None else int(match[1])
    if match is None or (match[2] and number > 100):
        raise InputError(f"--waves {entry!r} is neither a number of devices nor a percentage; {_REMEDY}")
    return min(devices, math.ceil(devices * number / 100) if match[2] else number)
