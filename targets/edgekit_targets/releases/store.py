"""The releases of one model on a device, and the links that say which of them is current.

    models/NAME/releases/7-0123456789ab/    a release: plain files, complete since it has this name
    models/NAME/releases/.NAME.tmp          one that is being taken in or removed
    models/NAME/current -> releases/...     what applications open
    models/NAME/previous -> releases/...
    models/NAME/accepted.json               see edgekit_targets.releases.state
    models/NAME/.lock                       held by whoever changes anything

Every change keeps to one order, so that whatever stops it (a killed process, a power failure, a full disk)
:meth:`Store.recover` finds the way back: what a step builds on is on the disk before the step is taken; a switch is
written down with what the links were before it is made, and is only final when that note is gone. The ways out of a
switch (the links to go back to, the note of its end) are made before it too, so that leaving it renames and removes
but needs no room.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from edgekit_targets.errors import InputError, WriteFailed
from edgekit_targets.flock import Held, take
from edgekit_targets.releases import state as states
from edgekit_targets.releases.boot import Boot, RealBoot
from edgekit_targets.releases.disk import Disk, copy_tree, remove_tree, write_file
from edgekit_targets.releases.format import DEFAULT_NAME, check_name
from edgekit_targets.releases.state import Pending, State

CURRENT, PREVIOUS, RELEASES = "current", "previous", "releases"
MODELS = "models"
DEFAULT_ROOT = "~/.edgekit"
_LOCK = ".lock"
_TEMPORARY = ".tmp"
PATIENCE_SECONDS = 2.0
_IDS = re.compile(r"([0-9]{1,18})-[0-9a-f]{12}(?:-[0-9]{1,4})?")


class Store:
    """One model's releases. All that changes anything is called inside :meth:`locked`."""

    def __init__(
        self,
        root: Path,
        name: str = DEFAULT_NAME,
        *,
        disk: Disk | None = None,
        boot: Boot | None = None,
        patience_seconds: float | None = PATIENCE_SECONDS,
    ) -> None:
        """The store of the model ``name`` below ``root``; nothing is made yet.

        ``patience_seconds`` is how long another holder of the lock is waited for, with None to its end.

        Raises:
            InputError: the name cannot be one.
        """
        self.root, self.name = root, check_name(name, "--name")
        self.folder = root / MODELS / name
        self.releases = self.folder / RELEASES
        self.disk = disk or Disk()
        self.boot = boot or RealBoot()
        self._patience = patience_seconds

    @contextlib.contextmanager
    def locked(self, *, make: bool = False) -> Iterator[None]:
        """Hold the store against everybody else; with ``make`` its folders are made where they are missing.

        Raises:
            InputError: another process holds it, or there is no such store.
            WriteFailed: the disk is full or cannot be written.
        """
        lock = self._take(make)
        try:
            yield
        except OSError as error:
            raise self._refused(error) from error
        finally:
            os.close(lock)

    def path(self, release: str) -> Path:
        """The folder of a release."""
        return self.releases / release

    def current(self) -> str | None:
        """The release that applications open."""
        return self._target(CURRENT)

    def to_open(self) -> str | None:
        """The release that an application should open: the current one, unless :meth:`recover` would go back from it.

        That is so after a restart in the middle of a switch, or before its confirmation: nobody has gone back yet. It
        reads only. While somebody is at work on the switch, or there is time to confirm it, it is the current one, and
        where what is written down is damaged, which tells nothing.

        Raises:
            InputError: the link is damaged.
        """
        current = self.current()
        try:
            pending = self.state().pending
        except InputError:
            return current
        if pending is None or pending.release != current or self._may_be_confirmed(pending):
            return current
        return pending.current

    def previous(self) -> str | None:
        """The release that was current before."""
        return self._target(PREVIOUS)

    def held(self) -> list[str]:
        """Every complete release, by counter."""
        try:
            names = [entry.name for entry in os.scandir(self.releases) if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        return sorted((name for name in names if _IDS.fullmatch(name)), key=lambda name: (counter_of(name), name))

    def state(self) -> State:
        """What is written down.

        Raises:
            InputError: the file is damaged.
        """
        return states.read(self.folder / states.NAME)

    def floor(self) -> int:
        """The counter that a release must have at least."""
        current = self.current()
        return max(self.state().accepted, 0 if current is None else counter_of(current))

    def waits(self) -> Pending | None:
        """The switch whose confirmation is waited for, while there is time; not one that is being unmade."""
        pending = self.state().pending
        if pending is None or self.left_seconds(pending) == 0.0 or self.current() != pending.release:
            return None
        return pending

    def left_seconds(self, pending: Pending) -> float:
        """How long its confirmation is waited for still: not at all after a restart."""
        if pending.deadline_seconds is None or pending.boot_id != self.boot.id:
            return 0.0
        return max(0.0, pending.deadline_seconds - self.boot.seconds())

    def recover(self) -> str | None:
        """Bring the store to rest after whatever stopped its last change; doing so twice does nothing more.

        Gives the release that it went back from: one whose switch was not finished, or not confirmed in time.
        """
        self._sweep(self.releases)
        if self.waits() is not None:
            return None
        pending = self.state().pending
        if pending is not None:
            self.go_back()
        self._sweep(self.folder)
        return None if pending is None else pending.release

    def stage(self, source: Path, release: str) -> Path:
        """Copy a folder in beside the releases, on the disk but not yet one of them; gives the copy."""
        stage = self._hidden(release)
        copy_tree(self.disk, source, stage)
        return stage

    def staged(self, release: str) -> Path:
        """Where the staged copy of a release lies."""
        return self._hidden(release)

    def admit(self, release: str) -> None:
        """Make a staged copy a release."""
        self.disk.rename(self._hidden(release), self.path(release))
        self.disk.sync(self.releases)

    def discard(self, release: str) -> None:
        """Remove a release, staged or not; it is never seen in part under its name."""
        hidden = self._hidden(release)
        if self.path(release).is_dir():
            if hidden.exists():
                remove_tree(self.disk, hidden)
            self.disk.rename(self.path(release), hidden)
            self.disk.sync(self.releases)
        if hidden.exists():
            remove_tree(self.disk, hidden)

    def switch(self, release: str, counter: int) -> None:
        """Make a release current and keep the one before as previous; not final before :meth:`confirm`.

        On any error, :meth:`abandon` it.
        """
        before, older = self.current(), self.previous()
        pending = Pending(release=release, counter=counter, current=before, previous=older, boot_id=self.boot.id)
        state = self.state()
        for link, to in ((CURRENT, release), (PREVIOUS, before), (CURRENT, before), (PREVIOUS, older)):
            self._prepare_link(link, to)
        self._prepare_state(_final(state, pending))
        self._prepare_state(dataclasses.replace(state, pending=None))
        self.disk.sync(self.folder)  # the ways out are there whenever the note is, after a power failure too
        self._write(dataclasses.replace(state, pending=pending))
        self._point(PREVIOUS, before)
        self._point(CURRENT, release)
        self.disk.sync(self.folder)

    def wait(self, seconds: float) -> None:
        """From here on a switch is unmade unless it is confirmed within so many seconds, and before a restart."""
        state = self.state()
        assert state.pending is not None
        deadline = self.boot.seconds() + seconds
        self._write(dataclasses.replace(state, pending=dataclasses.replace(state.pending, deadline_seconds=deadline)))

    def confirm(self) -> None:
        """Make a switch final; its counter is the least that is taken from now on."""
        state = self.state()
        assert state.pending is not None
        self._write(_final(state, state.pending))
        with contextlib.suppress(OSError):
            self._sweep(self.folder)

    def go_back(self) -> None:
        """Unmake a switch: the links name again what they named before. Needs no room on the disk."""
        state = self.state()
        assert state.pending is not None
        to = state.pending.current
        if to is None or self.path(to).is_dir():  # nobody removes what could be gone back to; a user may
            self._point(CURRENT, to)
            self._point(PREVIOUS, state.pending.previous)
            self.disk.sync(self.folder)
        self._write(dataclasses.replace(state, pending=None))

    def abandon(self) -> None:
        """Unmake a switch that failed, as far as it went."""
        if self.state().pending is not None:
            self.go_back()
        with contextlib.suppress(OSError):
            self._sweep(self.folder)

    def swap(self) -> None:
        """Make previous current and current previous."""
        before, to = self.current(), self.previous()
        assert before is not None
        assert to is not None
        # A switch to where we are, from where we want to be, that is not confirmed.
        undone = Pending(release=before, counter=0, current=to, previous=before, boot_id=self.boot.id)
        self._prepare_link(CURRENT, to)
        self._prepare_link(PREVIOUS, before)
        self._prepare_state(self.state())
        self.disk.sync(self.folder)
        self._write(dataclasses.replace(self.state(), pending=undone))
        self.go_back()

    def prune(self, keep: int) -> list[str]:
        """Remove all releases but the current, the previous and the ``keep`` newest others; gives the removed."""
        pending = self.state().pending
        needed = {self.current(), self.previous()}
        if pending is not None:
            needed |= {pending.release, pending.current, pending.previous}
        others = [release for release in self.held() if release not in needed]
        removed = others[: max(0, len(others) - keep)]
        for release in removed:
            self.discard(release)
        return removed

    def _may_be_confirmed(self, pending: Pending) -> bool:
        """Whether it has time left, or whoever switches may still be at it."""
        if pending.deadline_seconds is None:
            return pending.boot_id == self.boot.id
        return self.left_seconds(pending) > 0.0

    def _take(self, make: bool) -> int:
        """The lock's descriptor."""
        try:
            if make:
                self._make_folders()
            elif not self.releases.is_dir():
                raise InputError(f"no model {self.name} was installed below {self.root}; see --name and --root")
            return take(self.folder / _LOCK, self._patience)
        except OSError as error:
            raise self._refused(error) from error
        except Held as held:
            raise InputError(
                f"another edgekit is at work on {self.folder} (process {held.holder}); wait for it or end it"
            ) from None

    def _refused(self, error: OSError) -> WriteFailed:
        """Say in one line that the disk refuses, and what is current."""
        return WriteFailed(f"cannot write {self.folder}: {error.strerror}; current is {self.current() or 'none'}")

    def _make_folders(self) -> None:
        for folder in (*reversed(self.releases.parents), self.releases):
            if not folder.is_dir():
                with contextlib.suppress(FileExistsError):
                    self.disk.make_folder(folder)
                self.disk.sync(folder.parent)

    def _target(self, link: str) -> str | None:
        try:
            named = (self.folder / link).readlink()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{self.folder / link} is no link ({error.strerror}); remove it, then recover") from error
        if named.parent != Path(RELEASES) or not _IDS.fullmatch(named.name):
            raise InputError(f"{self.folder / link} leads to {named}, which is no release; remove it, then recover")
        return named.name

    def _hidden(self, release: str) -> Path:
        return self.releases / f".{release}{_TEMPORARY}"

    def _prepare_link(self, link: str, to: str | None) -> Path:
        """A link that only needs to be renamed."""
        made = self.folder / f".{link}.{to}{_TEMPORARY}"
        if to is not None and not made.is_symlink():
            self.disk.link(f"{RELEASES}/{to}", made)
        return made

    def _point(self, link: str, to: str | None) -> None:
        """Let a link name a release, or nothing, in one step."""
        if self._target(link) == to:
            return
        if to is None:
            self.disk.remove(self.folder / link)
        else:
            self.disk.rename(self._prepare_link(link, to), self.folder / link)

    def _prepare_state(self, state: State) -> Path:
        """A note that only needs to be renamed."""
        content = states.encode(state)
        made = self.folder / f".{states.NAME}.{hashlib.sha256(content).hexdigest()[:12]}{_TEMPORARY}"
        try:
            there = made.read_bytes()
        except FileNotFoundError:
            there = None
        if there != content:
            if there is not None:
                self.disk.remove(made)
            write_file(self.disk, made, content)
        return made

    def _write(self, state: State) -> None:
        """Replace the note in one step, and wait until it is on the disk."""
        made = self._prepare_state(state)
        self.disk.sync(made)  # whoever prepared it may have been stopped before
        self.disk.rename(made, self.folder / states.NAME)
        self.disk.sync(self.folder)

    def _sweep(self, folder: Path) -> None:
        """Remove what a change that was stopped has left behind."""
        names = sorted(entry.name for entry in os.scandir(folder))
        left = [name for name in names if name.startswith(".") and name.endswith(_TEMPORARY)]
        for name in left:
            remove_tree(self.disk, folder / name)
        if left:
            self.disk.sync(folder)


def counter_of(release: str) -> int:
    """The counter that a release's name begins with."""
    return int(release.partition("-")[0])


def _final(state: State, pending: Pending) -> State:
    return dataclasses.replace(state, accepted=max(state.accepted, pending.counter), pending=None)
