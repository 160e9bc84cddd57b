"""A release on its way to one device: sent, taken in by the agent there, confirmed, or taken back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from edgekit.devices.orders import Orders
from edgekit.shipping.rollout import Back
from edgekit_targets.errors import AgentFailed

_FOLDER = "incoming"
INSTALL_SECONDS = 900.0
"""A small board runs the golden vectors three times, holds a pace, and asks an application."""
_WAIT_SECONDS = 60.0
"""For whoever else is at work on the device, for instance on behalf of a controller that has died."""


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
            force_older: let the device take a counter that is older than what it has confirmed.
        """
        self._orders, self._folder, self._release, self._model = orders, folder, release, model
        self._confirm_seconds, self._probe, self._force_older = confirm_seconds, probe, force_older
        self._there: str | None = None
        self._installed: str | None = None

    def send(self) -> None:
        """Put the files there that are not there yet."""
        self._there = self._orders.put(self._folder, _FOLDER, self._release)

    def install(self) -> None:
        """Have the agent check, switch and probe."""
        assert self._there is not None
        probe = [] if self._probe is None else ["--probe", self._probe]
        force = ["--force-older"] if self._force_older else []
        found = self._ask(
            *("install", self._there, "--wait", f"{_WAIT_SECONDS:g}"),
            *("--confirm-within", f"{self._confirm_seconds:g}", *probe, *force),
            seconds=INSTALL_SECONDS,
        )
        self._installed = self._text(found, "release")
        self._orders.remove(_FOLDER, self._release)

    def confirm(self) -> None:
        """Make the switch final."""
        assert self._installed is not None
        self._ask("confirm", "--release", self._installed)

    def go_back(self) -> Back:
        """Go back if this release is what runs there."""
        found = self._listed()
        current = found.get("current")
        if found.get("unfinished") is not None and self._is_it(found["unfinished"]):
            return "went back" if self._ask("recover")["went_back_from"] == found["unfinished"] else "not there"
        if not self._is_it(current):
            return "not there"
        if found.get("previous") is None and found.get("waiting") is None:
            return "nothing before"
        return "went back" if self._ask("rollback", "--from", str(current))["changed"] else "not there"

    def has_left(self) -> bool:
        """Whether the device took this release in and runs another now."""
        found = self._listed()
        held = found.get("releases")
        taken = isinstance(held, list) and any(
            isinstance(one, dict) and self._is_it(one.get("release")) for one in held
        )
        return taken and not self._is_it(found.get("current"))

    def _listed(self) -> dict[str, Any]:
        """What the device has of this model; nothing where it was never sent any."""
        return self._ask("releases")

    def _is_it(self, release: object) -> bool:
        """A device that found its copy damaged keeps another under the same name with a number."""
        return isinstance(release, str) and re.fullmatch(rf"{re.escape(self._release)}(-[0-9]+)?", release) is not None

    def _ask(self, command: str, *words: str, seconds: float = 120.0) -> dict[str, Any]:
        return self._orders.ask(command, *words, "--name", self._model, seconds=seconds)[-1]

    def _text(self, answer: dict[str, Any], key: str) -> str:
        found = answer.get(key)
        if not isinstance(found, str):
            raise AgentFailed(f"{self._orders.name} answered something else than it was asked")
        return found
