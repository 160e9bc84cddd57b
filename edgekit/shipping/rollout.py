"""One release to many devices, wave after wave; the first device that fails sends its whole wave back.

What each device is asked for next is in the :class:`State` before it is asked, so another process can go on after this
one died, and every request may be repeated: a device that has the release already does not switch again, one that does
not have it does not go back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from edgekit.devices.several import PAUSE_SECONDS, TRIES, Outcome, on_each
from edgekit.shipping.state import Delivery, Rollout, Stage, State
from edgekit_targets.errors import CheckFailed
from edgekit_targets.progress import Progress

Back = Literal["went back", "not there", "nothing before"]
"""What a device says that was asked to go back. One that had no release before keeps the only one it has."""
AT_ONCE = 16
_STEPS = 3
_OVER: tuple[Stage, ...] = ("refused", "returning", "returned", "kept")
_AFTER: dict[Back, Stage] = {"went back": "returned", "not there": "refused", "nothing before": "kept"}


class Receiver(Protocol):
    """One device that is reached, and what it is asked for about one release. Every method may be called again.

    Each raises :class:`EdgekitError` for what ends this device, and :class:`DeviceLost` for what may be tried again.
    """

    def send(self) -> None:
        """Put the files there that are not there yet; nothing of what runs there changes."""

    def install(self) -> None:
        """Check them, switch, probe; from then on the device goes back by itself unless it is confirmed in time.

        On an error that the device tells, it has what it had before.
        """

    def confirm(self) -> None:
        """Make the switch final; an error if the device has gone back."""

    def go_back(self) -> Back:
        """Go back if this release is what runs there."""

    def has_left(self) -> bool:
        """Whether the device took this release in and now runs another."""


Reach = Callable[[str], AbstractContextManager[Receiver]]


def roll_out(
    state: State,
    number: int,
    reach: Reach,
    progress: Progress,
    *,
    at_once: int = AT_ONCE,
    tries: int = TRIES,
    pause_seconds: float = PAUSE_SECONDS,
) -> Rollout:
    """Bring a rollout to its end, from wherever it stands; gives how it stands then.

    Its status is ``done``; or ``failed``, when every device of the wave in which one failed has what it had before
    (or, where that was nothing, the release that it confirmed); or still ``returning``, when one of those could not be
    reached. Devices of earlier waves keep the release.

    Args:
        state: where it is recorded.
        number: of the rollout.
        reach: gives the receiver of a device, which is asked in a thread of its own.
        progress: as :func:`on_each` tells it.
        at_once: how many devices are worked on at a time.
        tries: how often a device is tried that is lost each time.
        pause_seconds: between two tries.

    Raises:
        InputError: another process is at work on it, or the state cannot be written.
        KeyboardInterrupt: what was asked for last is recorded, and can be gone on with.
    """
    work = _Work(state, number, reach, progress, at_once, tries, pause_seconds)
    with state.hold(number):
        rollout = state.read(number)
        for wave in range(len(rollout.question.waves)):
            if rollout.status == "running":
                rollout = work.forward(rollout, wave)
        if rollout.status == "running":
            state.end(number, "done")
        if rollout.status == "returning":
            work.back(rollout)
        return state.read(number)


class _Work:
    """What the waves of one rollout have in common."""

    def __init__(
        self,
        state: State,
        number: int,
        reach: Reach,
        progress: Progress,
        at_once: int,
        tries: int,
        pause_seconds: float,
    ) -> None:
        self._state, self._number, self._reach, self._progress = state, number, reach, progress
        self._at_once, self._tries, self._pause_seconds = at_once, tries, pause_seconds
        self._failed = threading.Event()
        self._asked: set[str] = set()
        """Those that this process asked to switch: one of them that runs another release now has gone back."""

    def forward(self, rollout: Rollout, wave: int) -> Rollout:
        """Give the release to a wave, until a device fails."""
        members = _members(rollout, wave)
        if not any(one.stage in _OVER for one in members):
            self._each([one.device for one in members if one.stage != "done"], self._deliver, self._ended)
            members = _members(self._state.read(self._number), wave)
        if any(one.stage != "done" for one in members):
            self._state.end(self._number, "returning")
        return self._state.read(self._number)

    def back(self, rollout: Rollout) -> None:
        """Send back all of the wave in which a device failed."""
        wave = max(one.wave for one in rollout.deliveries if one.stage != "waiting")
        owing = [one.device for one in _members(rollout, wave) if one.stage in ("done", "switching", "returning")]
        for device in owing:
            self._state.mark(self._number, device, "returning")
        self._each(owing, self._return, self._not_returned)
        if all(one.stage != "returning" for one in self._state.read(self._number).deliveries):
            self._state.end(self._number, "failed")

    def _each(
        self,
        devices: list[str],
        work: Callable[[str, Progress], None],
        ended: Callable[[Outcome[None]], None],
    ) -> None:
        if devices:
            on_each(
                devices,
                work,
                self._progress,
                tries=self._tries,
                pause_seconds=self._pause_seconds,
                at_once=self._at_once,
                ended=ended,
            )

    def _deliver(self, device: str, progress: Progress) -> None:
        if self._failed.is_set():
            return
        progress("ship", 0, _STEPS)
        with self._reach(device) as receiver:
            if device in self._asked and receiver.has_left():
                raise CheckFailed(f"{device} went back by itself: its confirmation did not reach it in time")
            receiver.send()
            progress("ship", 1, _STEPS)
            if self._failed.is_set() and device not in self._asked:
                return
            self._mark(device, "switching")
            self._asked.add(device)
            receiver.install()
            progress("ship", 2, _STEPS)
            receiver.confirm()
            self._mark(device, "done")
        progress("ship", _STEPS, _STEPS)

    def _ended(self, outcome: Outcome[None]) -> None:
        if outcome.error is not None:
            self._failed.set()
            switching = any(
                one.device == outcome.device and one.stage == "switching"
                for one in self._state.read(self._number).deliveries
            )
            # One that was asked to switch may have; it is asked to go back, whatever it said.
            self._state.mark(self._number, outcome.device, "returning" if switching else "refused", outcome.error)

    def _return(self, device: str, progress: Progress) -> None:
        progress("go back", 0, 1)
        with self._reach(device) as receiver:
            self._mark(device, _AFTER[receiver.go_back()])
        progress("go back", 1, 1)

    def _not_returned(self, outcome: Outcome[None]) -> None:
        if outcome.error is not None:
            self._state.mark(self._number, outcome.device, "returning", outcome.error)

    def _mark(self, device: str, stage: Stage) -> None:
        self._state.mark(self._number, device, stage)


def _members(rollout: Rollout, wave: int) -> list[Delivery]:
    return [one for one in rollout.deliveries if one.wave == wave]
