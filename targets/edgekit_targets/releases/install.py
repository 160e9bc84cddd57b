"""Taking a release in: checked, copied, tried, switched to, proved, and taken back when it fails."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.releases.check import check_place
from edgekit_targets.releases.format import MODEL, Release, release_id
from edgekit_targets.releases.health import Health, Trial
from edgekit_targets.releases.incoming import sweep
from edgekit_targets.releases.store import CURRENT, PREVIOUS, Store
from edgekit_targets.releases.times import LONGEST_SECONDS, SHORTEST_SECONDS
from edgekit_targets.signing.verify import Signer

_MOST_COPIES = 1000


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What an installation does besides moving files; each raises an ``EdgekitError`` to refuse the release.

    ``verify`` checks the signature and every file of a folder; ``suits`` whether it may run on this machine; ``trial``
    runs the golden vectors of the staged copy; ``health`` those of the current release and all else that proves it,
    ``guard`` has somebody watch over the switch who goes back if this process cannot.
    """

    verify: Callable[[Path], tuple[Release, Signer]]
    suits: Callable[[Release], None]
    trial: Callable[[Path, Release], Trial | None]
    health: Callable[[Path, Release], Health | None]
    guard: Callable[[Store, str], AbstractContextManager[object]]


@dataclass(frozen=True, kw_only=True)
class Installed:
    """What became of it: ``state`` is ``waiting`` while the release is taken back unless it is confirmed."""

    name: str
    release: str
    counter: int
    changed: bool
    """False where it was current already."""
    state: Literal["confirmed", "waiting"]
    seconds_left: float | None
    """To confirm it in."""
    current: str | None
    previous: str | None
    path: str
    """What an application opens."""
    key: str
    """Id of the key that signed it."""
    trial: Trial | None
    health: Health | None
    went_back_from: str | None
    """A release whose switch had been left unfinished, or unconfirmed, before."""


def install(
    source: Path,
    store: Store,
    steps: Steps,
    *,
    force_older: bool = False,
    confirm_within: float | None = None,
) -> Installed:
    """Take a release in and make it current.

    Args:
        source: a release folder.
        store: of the model that it is a release of.
        steps: what else is to be done.
        force_older: let a counter in that is older than what was confirmed here; the signature must hold all the same.
        confirm_within: seconds within which :func:`confirm` must be called, else the device goes back by itself;
            without, the health probe confirms it.

    Raises:
        CheckFailed: it is not what was signed, older, of another model, or fails a probe; the links are as before.
        InputError: this device is not for it, another process is at work, or another release waits.
        WriteFailed: the disk is full or cannot be written; the links are as before.
    """
    if confirm_within is not None and not SHORTEST_SECONDS <= confirm_within <= LONGEST_SECONDS:
        raise InputError(
            f"--confirm-within must be from {SHORTEST_SECONDS:.0f} to {LONGEST_SECONDS:.0f} seconds, "
            f"not {confirm_within:g}"
        )
    release, signer = steps.verify(source)
    if release.name != store.name:
        raise CheckFailed(f"{source} is a release of {release.name}, not of {store.name}; see --name")
    steps.suits(release)
    with store.locked(make=True):
        back = store.recover()
        sweep(store.root, store.disk, source)
        name, there = _place(store, steps, release_id(release.counter, signer.digests), signer)
        waiting = store.waits()
        if waiting is not None and waiting.release != name:
            raise InputError(f"{waiting.release} waits for its confirmation here; confirm it or roll back first")
        trial, health = None, None
        changed = not there or store.current() != name
        if changed:
            _check_counter(release, store, force_older)
            with _tidy(store, name, new=not there):
                if not there:
                    _check_copy(store.stage(source, name), steps, signer)
                trial = steps.trial(store.path(name) if there else store.staged(name), release)
                if not there:
                    store.admit(name)
                health = _switch(store, steps, name, release, confirm_within)
            waiting = store.waits()
        return Installed(
            name=store.name,
            release=name,
            counter=release.counter,
            changed=changed,
            state="confirmed" if waiting is None else "waiting",
            seconds_left=None if waiting is None else store.left_seconds(waiting),
            current=store.current(),
            previous=store.previous(),
            path=str(store.folder / CURRENT / MODEL),
            key=signer.key,
            trial=trial,
            health=health,
            went_back_from=back,
        )


def confirm(store: Store, release: str | None = None) -> tuple[str, bool]:
    """Make the switch final that waits for it; gives the current release, and whether that changed anything.

    With ``release`` it must be the current one, and confirming twice is no error.

    Raises:
        InputError: nothing waits.
        CheckFailed: ``release`` is not the current one, for instance because it was taken back.
    """
    with store.locked():
        back = store.recover()
        current = store.current()
        waiting = store.waits()
        if release is not None and release != current:
            why = "it was not confirmed in time and taken back" if release == back else "it was taken back or replaced"
            raise CheckFailed(f"{release} is not current here: {why}; current is {current or 'none'}")
        if waiting is not None:
            store.confirm()
        elif release is None or current is None:
            taken = "" if back is None else f" ({back} was taken back before)"
            raise InputError(f"nothing waits for a confirmation here{taken}; current is {current or 'none'}")
        assert current is not None
        return current, waiting is not None


def rollback(store: Store, steps: Steps, *, leaving: str | None = None) -> tuple[str | None, bool]:
    """Go back to the previous release, or unmake a switch that waits; gives the current one, and whether it changed.

    With ``leaving`` only if that is the current one, so that asking twice goes back once. A previous release that was
    damaged on the disk meanwhile is not gone back to.

    Raises:
        InputError: there is none.
        CheckFailed: it is no longer what was signed, or another release lies in its place.
    """
    with store.locked():
        back = store.recover()
        current, previous = store.current(), store.previous()
        if leaving is not None and leaving != current:
            return current, leaving == back
        if store.waits() is not None:
            store.abandon()
        elif current is None or previous is None:
            raise InputError(f"{store.folder} has no {PREVIOUS} release to go back to; install one")
        else:
            check_place(store.path(previous), *steps.verify(store.path(previous)))
            store.swap()
        return store.current(), True


def _place(store: Store, steps: Steps, identity: str, signer: Signer) -> tuple[str, bool]:
    """The name for a release, and whether it lies there already, whole.

    One that was damaged on the disk is replaced; while a link leads to it, by a copy under another name.
    """
    for number in range(1, _MOST_COPIES):
        name = identity if number == 1 else f"{identity}-{number}"
        if not store.path(name).exists():
            return name, False
        if _is_whole(store.path(name), steps, signer):
            return name, True
        if name not in (store.current(), store.previous()):
            store.discard(name)
            return name, False
    raise InputError(f"{store.releases} holds damaged copies of {identity} only; prune it")


def _is_whole(folder: Path, steps: Steps, signer: Signer) -> bool:
    try:
        return steps.verify(folder)[1].digests == signer.digests
    except (CheckFailed, InputError):
        return False


def _check_counter(release: Release, store: Store, force_older: bool) -> None:
    floor = store.floor()
    if release.counter < floor and not force_older:
        raise CheckFailed(
            f"release {release.artifact} is older (counter {release.counter}) than what this device has accepted "
            f"({floor}); ship a newer one, or force it with --force-older"
        )


def _check_copy(stage: Path, steps: Steps, signer: Signer) -> None:
    """The copy is what is used, so it is the copy that must hold."""
    if steps.verify(stage)[1].digests != signer.digests:
        raise CheckFailed(f"{stage} changed while it was copied; nothing else may write there")


@contextlib.contextmanager
def _tidy(store: Store, name: str, *, new: bool) -> Iterator[None]:
    """Leave nothing behind of a release that failed, when it was not there before."""
    try:
        yield
    except BaseException:
        if new and name not in (store.current(), store.previous()):
            with contextlib.suppress(OSError):
                store.discard(name)
        raise


def _switch(store: Store, steps: Steps, name: str, release: Release, confirm_within: float | None) -> Health | None:
    with steps.guard(store, name):
        try:
            store.switch(name, release.counter)
            health = steps.health(store.folder / CURRENT, release)
            if confirm_within is None:
                store.confirm()
            else:
                store.wait(confirm_within)
        except BaseException:  # Ctrl-C too
            store.abandon()
            raise
    return health
