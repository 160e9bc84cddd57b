"""The number of a release, which only grows: by default the time, so that nobody has to keep a list of them."""

from __future__ import annotations

from datetime import UTC, datetime

from edgekit_targets.errors import InputError
from edgekit_targets.releases.format import LARGEST_COUNTER


def next_counter(given: int | None) -> int:
    """The number given, or the seconds of now as YYYYMMDDhhmmss in UTC.

    A device compares numbers alone and needs no clock. Two workstations agree without a common list.

    Raises:
        InputError: a number that is none, or beyond 2^53 - 1.
    """
    if given is None:
        return int(datetime.now(UTC).strftime("%Y%m%d%H%M%S"))
    if not 1 <= given <= LARGEST_COUNTER:
        raise InputError(f"--counter {given} must be from 1 to {LARGEST_COUNTER}; leave it out for the time of now")
    return given
