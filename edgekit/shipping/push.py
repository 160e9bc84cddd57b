"""A release on its way to one device: sent, taken in by the agent there, confirmed, or taken back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.devices.failures import DeviceLost
from edgekit.devices.orders import SECONDS, Orders
from edgekit.shipping.rollout import Back
from edgekit_targets.errors import AgentFailed, EdgekitError
from edgekit_targets.records import parse
from edgekit_targets.releases.format import is_copy
from edgekit_targets.releases.incoming import INCOMING
from edgekit_targets.releases.listing import Listed
from edgekit_targets.releases.times import PROBE_SECONDS

INSTALL_SECONDS = 900.0
"""A small board runs the golden vectors three times, and holds a pace; an application is asked beyond that."""
WAIT_SECONDS = 60.0
"""For whoever else is at work on the device, for instance on behalf of a controller that has died."""


@dataclass(frozen=True, kw_only=True)
class _Installed:
    """What matters here of :class:`edgekit_targets.releases.install.Installed`."""

    release: str


class Push:
    """One release and one device; a :class:`edgekit.shipping.rollout.Receiver`."""

    def __init__(
        self,
        orders: Orders,
        folder: Path,
        release: str,
        model: str,
        *,
        confirm_seconds: float,
        probe: str | None = None,
        probe_seconds: float = PROBE_SECONDS,
        force_older: bool = False,
    ) -> None:
        """Remember what is to be done.

        Args:
            orders: the device.
            folder: the release, here.
            release: its id.
            model: the name under which the device keeps it.
            confirm_seconds: how long it waits for a confirmation before it goes back by itself.
            probe: the application's own command.
            probe_seconds: how long that may take.
            force_older: let the device take a counter that is older than what it has confirmed.
        """
        self._orders, self._folder, self._release, self._model = orders, folder, release, model
        self._confirm_seconds, self._force_older = confirm_seconds, force_older
        self._probe, self._probe_seconds = probe, probe_seconds
        self._there: str | None = None
        self._installed: str | None = None

    def send(self) -> None:
        """Put the files there that are not there yet."""
        self._there = self._orders.put(self._folder, INCOMING, self._release)

    def install(self) -> None:
        """Have the agent check, switch and probe."""
        assert self._there is not None
        probe, seconds = [], INSTALL_SECONDS
        if self._probe is not None:
            probe = ["--probe", self._probe, "--probe-within", f"{self._probe_seconds:g}"]
            seconds += self._probe_seconds
        force = ["--force-older"] if self._force_older else []
        try:
            answer = self._ask(
                *("install", self._there, "--wait", f"{WAIT_SECONDS:g}"),
                *("--confirm-within", f"{self._confirm_seconds:g}", *probe, *force),
                seconds=seconds,
            )
        except DeviceLost:
            raise
        except EdgekitError:
            self._tidy()
            raise
        self._installed = parse(_Installed, answer, self._orders.name).release

    def confirm(self) -> None:
        """Make the switch final."""
        assert self._installed is not None
        self._ask("confirm", "--release", self._installed)
        self._tidy()

    def go_back(self) -> Back:
        """Go back if this release is what runs there."""
        found = self._listed()
        if self._is_it(found.unfinished):
            self._ask("recover")
            return "went back"
        if found.current is None or not self._is_it(found.current):
            return "not there"
        if found.previous is None and found.waiting is None:
            return "nothing before"
        self._ask("rollback", "--from", found.current, "--wait", f"{WAIT_SECONDS:g}")
        return "went back"

    def has_left(self) -> bool:
        """Whether the device took this release in and runs another now."""
        found = self._listed()
        return any(self._is_it(one.release) for one in found.releases) and not self._is_it(found.current)

    def _listed(self) -> Listed:
        return parse(Listed, self._ask("releases"), self._orders.name)

    def _is_it(self, release: str | None) -> bool:
        return release is not None and is_copy(release, self._release)

    def _tidy(self) -> None:
        """The device has its own copy now, or wants none."""
        with contextlib.suppress(EdgekitError):
            self._orders.remove(INCOMING, self._release)

    def _ask(self, command: str, *words: str, seconds: float = SECONDS) -> dict[str, Any]:
        answers = self._orders.ask(command, *words, "--name", self._model, seconds=seconds)
        if not answers:
            raise AgentFailed(f"{self._orders.name} gave no answer to {command}")
        return answers[-1]
