"""What integer files for a device may assume of its instruction set: by the catalogue, or by what the device says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgekit.devices.connect import connect, find_address
from edgekit.project.contract import OwnDevice
from edgekit_targets.catalogue.load import find_entry

PORTABLE = "portable"
_BEST_FIRST = ("vnni", "avx2", "arm-dotprod")
_FULL_RANGE = ("vnni", "arm-dotprod")
"""Sums of weights times activations do not saturate there, so weights may use all 8 bits."""


def isa_for(devices: Sequence[str], own: Mapping[str, OwnDevice], here: Sequence[str]) -> tuple[str, str | None]:
    """The instruction set that files for all of these devices may assume, and why it is less than theirs, if it is.

    Args:
        devices: names or addresses; none means files that are right everywhere.
        own: the project's devices; one with an entry in the catalogue is not asked.
        here: what this machine has (words of :class:`edgekit_targets.types.profile.Device`), which checks the files.

    Raises:
        InputError: no such device, or one that cannot be reached.
        DeviceLost: it does not answer.
    """
    if not devices:
        return PORTABLE, None
    common = set(_BEST_FIRST).intersection(*(_words(device, own) for device in devices))
    isa = next((word for word in _BEST_FIRST if word in common), PORTABLE)
    if isa in _FULL_RANGE and "avx2" in here and "vnni" not in here:
        return PORTABLE, f"files for {isa} cannot be checked on this processor, which has no VNNI and would overflow"
    return isa, None


def _words(device: str, own: Mapping[str, OwnDevice]) -> Sequence[str]:
    find_address(device, own)
    catalogue = own[device].catalogue if device in own else None
    if catalogue is not None and (words := find_entry(catalogue, device).isa):
        return words
    with connect(device, own) as agent:
        return agent.hello().device.isa
