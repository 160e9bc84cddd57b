"""What the machine did around a slice of samples: looked at before and after, never during."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edgekit_targets.hardware.conditions import read_conditions
from edgekit_targets.hardware.load import Load, changes, disturbances, read_load, remarks
from edgekit_targets.hardware.yardstick import loop_seconds
from edgekit_targets.types.profile import Conditions, DeviceConditions, Disturbance


@dataclass(frozen=True, kw_only=True)
class Look:
    """The machine at one moment; what it does not tell is null."""

    load: Load | None = None
    conditions: Conditions | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What happened between two looks, and the state at the second."""

    disturbances: tuple[Disturbance, ...] = ()
    remarks: tuple[str, ...] = ()
    conditions: Conditions | None = None
    yardstick_seconds: float | None = None


class Surroundings(Protocol):
    """Where a worker learns about the machine it runs on."""

    def conditions(self) -> Conditions | None:
        """The state now."""

    def look(self) -> Look:
        """The state and the counters now."""

    def since(self, before: Look) -> Seen:
        """What happened since."""


class System:
    """This machine, and the device in it that computes, if that is another than the processor."""

    def __init__(self, device: Callable[[], DeviceConditions | None] = lambda: None) -> None:
        """Read the device's state by ``device``."""
        self._device = device

    def conditions(self) -> Conditions | None:
        """The state now."""
        state = read_conditions()
        return None if state is None else dataclasses.replace(state, device=self._device())

    def look(self) -> Look:
        """The state and the counters now."""
        return Look(conditions=self.conditions(), load=read_load())

    def since(self, before: Look) -> Seen:
        """What happened since; the counters are read first."""
        load, state = read_load(), self.conditions()
        found: list[Disturbance] = []
        told: tuple[str, ...] = ()
        if before.load is not None and load is not None:
            found += disturbances(before.load, load)
            told = remarks(before.load, load)
        if before.conditions is not None and state is not None:
            found += changes(before.conditions, state)
        return Seen(disturbances=tuple(found), remarks=told, conditions=state, yardstick_seconds=loop_seconds())


class Quiet:
    """A machine on which nothing else happens, or what ``script`` says of each slice in turn."""

    def __init__(self, script: tuple[Seen, ...] = ()) -> None:
        self._script = script
        self._slices = 0

    def conditions(self) -> Conditions | None:
        """Nothing is told."""
        return None

    def look(self) -> Look:
        """Nothing is told."""
        return Look()

    def since(self, before: Look) -> Seen:
        """The next entry of the script, over and over."""
        self._slices += 1
        return self._script[(self._slices - 1) % len(self._script)] if self._script else Seen()
