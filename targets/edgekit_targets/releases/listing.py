"""What a device has of a model, told without changing or checking anything."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit_targets.errors import InputError
from edgekit_targets.releases.format import MANIFEST, MODEL, parse_release
from edgekit_targets.releases.store import CURRENT, Store


@dataclass(frozen=True, kw_only=True)
class Held:
    """One release; what it says of itself is null where that cannot be read."""

    release: str
    counter: int | None
    artifact: str | None
    created: str | None
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The releases of one model, by counter."""

    name: str
    current: str | None
    previous: str | None
    path: str | None
    """What an application opens."""
    accepted: int
    """The least counter that is taken."""
    waiting: str | None
    """The current release, while it is taken back unless it is confirmed within ``seconds_left``."""
    seconds_left: float | None
    unfinished: str | None
    """A release whose switch was not finished, or not confirmed in time: ``recover`` goes back from it."""
    releases: tuple[Held, ...]


def list_releases(store: Store) -> Listed:
    """As it lies there; a switch that should be gone back from is told, and left to ``recover``.

    Raises:
        InputError: what the store has written down is damaged.
    """
    state = store.state()
    current, waiting = store.current(), store.waits()
    return Listed(
        name=store.name,
        current=current,
        previous=store.previous(),
        path=None if current is None else str(store.folder / CURRENT / MODEL),
        accepted=state.accepted,
        waiting=None if waiting is None else waiting.release,
        seconds_left=None if waiting is None else store.left_seconds(waiting),
        unfinished=None if state.pending is None or waiting is not None else state.pending.release,
        releases=tuple(_held(store, release) for release in store.held()),
    )


def _held(store: Store, release: str) -> Held:
    folder = store.path(release)
    try:
        said = parse_release((folder / MANIFEST).read_bytes(), str(folder / MANIFEST))
    except (InputError, OSError):
        said = None
    return Held(
        release=release,
        counter=None if said is None else said.counter,
        artifact=None if said is None else said.artifact,
        created=None if said is None else said.created,
        size_bytes=sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()),
    )
