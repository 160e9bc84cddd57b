"""Where energy is read, one file each behind the contract in :mod:`edgekit_targets.hardware.energy.contract`."""

from __future__ import annotations

from collections.abc import Callable

from edgekit_targets.hardware.energy.contract import EnergySource, Unreadable
from edgekit_targets.hardware.energy.nvml import Nvml
from edgekit_targets.hardware.energy.pmic import Pmic
from edgekit_targets.hardware.energy.rapl import Rapl

OF_PROCESSOR: tuple[Callable[[], EnergySource], ...] = (Rapl, Pmic)
OF_NVIDIA: tuple[Callable[[], EnergySource], ...] = (Nvml,)


def open_source(target: str) -> EnergySource:
    """The source that tells the energy of the hardware ``target`` runs on.

    Raises:
        Unreadable: there is none here; the message has the reason of each that was tried.
    """
    reasons = []
    for source in OF_NVIDIA if target == "cuda" else OF_PROCESSOR:
        try:
            return source()
        except Unreadable as error:
            reasons.append(str(error))
    raise Unreadable("; ".join(reasons))
