"""Devices that are folders: the real store, the real signatures, and everything that may happen to them, called for."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgekit.devices.failures import DeviceLost
from edgekit_targets.errors import CheckFailed, EdgekitError
from edgekit_targets.records import to_json
from edgekit_targets.releases.boot import ScriptedBoot
from edgekit_targets.releases.check import verify_release
from edgekit_targets.releases.format import MODEL, Release
from edgekit_targets.releases.install import Installed, Steps, confirm, install, rollback
from edgekit_targets.releases.listing import list_releases
from edgekit_targets.releases.simulated import Operation, Stopped, Trouble, WatchedDisk
from edgekit_targets.releases.store import CURRENT, Store
from edgekit_targets.releases.watchdog import watch
from edgekit_targets.signing.keys import PublicKey

CONFIRM_SECONDS = 60.0
HARMLESS = ("lost before install", "lost after install", "lost before confirm", "lost after confirm")
"""What trying again gets over."""
FAULTS = (
    *HARMLESS,
    *(
        "installer killed",
        "power cut",
        "frozen before confirm",
        "disk full",
        "disk broken",
        "wrong answers",
        "unhealthy",
    ),
    *("gone before install", "gone after install", "gone before confirm", "gone after confirm"),
)
"""All that may happen; the second row before any file operation."""


@dataclass
class Simulated:
    """One device."""

    name: str
    root: Path
    keys: tuple[PublicKey, ...]
    fault: str | None = None
    """What happens to it in this rollout, once; null: nothing."""
    operation: int = 0
    """Before which file operation."""
    boot: ScriptedBoot = field(default_factory=ScriptedBoot)
    switches: list[str] = field(default_factory=list)
    """What ``current`` was made to name, one after the other."""
    asked: Counter[str] = field(default_factory=Counter)
    gone: bool = False
    """Cannot be reached."""
    lapses: int = 0
    """How often it went back by itself: when time had passed, or after an installation that was cut short."""

    def store(self, trouble: Callable[[Operation], None] = lambda operation: None) -> Store:
        """Its store, on a disk that meets trouble."""

        def about(operation: Operation) -> None:
            trouble(operation)
            if operation.kind == "rename" and operation.to == CURRENT:
                self.switches.append(operation.path.name.removeprefix(f".{CURRENT}.").removesuffix(".tmp"))

        return Store(self.root, disk=WatchedDisk(about, syncing=False), boot=self.boot, patience_seconds=0.0)

    def settle(self) -> None:
        """Time passes; whoever watches over a switch does what is to be done."""
        self.boot.advance(10 * CONFIRM_SECONDS)
        store = self.store()
        pending = store.state().pending
        if pending is not None:
            watch(store, pending.release, lambda seconds: None)
            self.lapses += 1

    def comes_back(self) -> None:
        """It can be reached again, long after."""
        self.gone = False
        self.settle()

    def happens(self, fault: str) -> bool:
        """Whether it is time for that fault; it comes once."""
        if self.fault != fault:
            return False
        self.fault = None
        return True

    def path(self) -> Path:
        """What an application opens."""
        return self.store().folder / CURRENT / MODEL

    def steps(self) -> Steps:
        """As on a real device, but that the model is not run."""
        return Steps(
            verify=lambda folder: verify_release(folder, self.keys),
            suits=lambda release: None,
            trial=lambda folder, release: self._prove("wrong answers", release),
            health=lambda folder, release: self._prove("unhealthy", release),
            guard=lambda store, release: contextlib.nullcontext(),
        )

    def _prove(self, fault: str, release: Release) -> None:
        if self.happens(fault):
            raise CheckFailed(f"{self.name}: {release.artifact}: {fault}")


class Line:
    """The controller's end: the :class:`edgekit.devices.orders.Orders` of a device, over a line that breaks."""

    def __init__(self, device: Simulated) -> None:
        self.name = device.name
        self._device = device

    def put(self, folder: Path, *parts: str) -> str:
        return str(folder)

    def remove(self, *parts: str) -> None:
        """Nothing was put anywhere."""

    def ask(self, *words: str, given: bytes = b"", seconds: float = 0.0) -> list[dict[str, Any]]:
        command, device = words[0], self._device
        device.asked[command] += 1
        device.boot.advance(1.0)
        if device.happens(f"gone before {command}"):
            device.gone = True
        self._lose(f"lost before {command}")
        options = dict(itertools.pairwise(words))
        try:
            answer = to_json(self._do(command, options, words[1]))  # as it comes over a line
        except EdgekitError as error:
            raise type(error)(f"{self.name}: {error}") from error
        if device.happens(f"gone after {command}"):
            device.gone = True
        self._lose(f"lost after {command}")
        return [answer]

    def _do(self, command: str, options: dict[str, str], first: str) -> Any:
        device = self._device
        store = device.store()
        if command == "install":
            return self._install(Path(first), float(options["--confirm-within"]))
        if command == "confirm":
            if device.happens("frozen before confirm"):
                device.settle()
                raise DeviceLost(f"the connection to {device.name} broke")
            return {"current": confirm(store, options["--release"])[0]}
        if command == "rollback":
            return {"changed": rollback(store, device.steps(), leaving=options["--from"])[1]}
        if command == "recover":
            with store.locked():
                return {"went_back_from": store.recover()}
        assert command == "releases"
        return list_releases(store)

    def _install(self, source: Path, confirm_within: float) -> Installed:
        device = self._device
        trouble = Trouble()
        killed, cut = device.happens("installer killed"), device.happens("power cut")
        if killed or cut:
            trouble.stop_at = device.operation
        if device.happens("disk full"):
            trouble.full_from = device.operation
        if device.happens("disk broken"):
            trouble.fail_at = device.operation
        try:
            found = install(source, device.store(trouble), device.steps(), confirm_within=confirm_within)
        except Stopped:
            if cut:
                device.boot.restart()
            elif (pending := device.store().state().pending) is not None:
                watch(device.store(), pending.release, device.boot.advance)
                device.lapses += 1
            raise DeviceLost(f"the connection to {device.name} broke") from None
        device.lapses += found.went_back_from is not None
        return found

    def _lose(self, fault: str) -> None:
        if self._device.gone or self._device.happens(fault):
            raise DeviceLost(f"the connection to {self.name} broke")
