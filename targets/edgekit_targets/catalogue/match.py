"""Which entry of the catalogue a machine is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgekit_targets.catalogue.load import entries
from edgekit_targets.types.catalogue import Entry
from edgekit_targets.types.profile import Device

_REPORTED = 1.01
"""A machine tells a little less memory than it was sold with, never more than a rounding above it."""


def match(device: Device, targets: Sequence[str] = (), among: Sequence[Entry] | None = None) -> Entry | None:
    """The entry that the machine is, or None where nothing tells.

    A model that the firmware names settles it. Else the processor's name must be one that only this kind has, with
    no more cores and memory than the kind is made with; the name of an Arm core alone says nothing about the board
    around it. Last, what can run there (a kind whose mark is a graphics card).

    Args:
        device: what :func:`edgekit_targets.hardware.describe.describe` found there.
        targets: the names of the targets that can run there.
        among: the entries to choose from; by default those that ship.
    """
    known = entries() if among is None else among
    for entry in known:
        if any(_begins(device.model, model) for model in entry.marks.models):
            return entry
    fitting = [entry for entry in known if _fits(device, entry)]
    for entry in fitting:
        if any(re.search(pattern, device.cpu or "", re.IGNORECASE) for pattern in entry.marks.cpus):
            return entry
    for entry in fitting:
        if entry.marks.targets and set(entry.marks.targets) <= set(targets):
            return entry
    return None


def _begins(model: str | None, beginning: str) -> bool:
    """Whether ``model`` is ``beginning``, or goes on with another word."""
    given, wanted = (model or "").casefold(), beginning.casefold()
    return given == wanted or given.startswith(f"{wanted} ")


def _fits(device: Device, entry: Entry) -> bool:
    if device.architecture != entry.architecture:
        return False
    if entry.cores is not None and device.cores > entry.cores:
        return False
    if not entry.memory_bytes or device.memory_bytes is None:
        return True
    return device.memory_bytes <= entry.memory_bytes[-1] * _REPORTED
