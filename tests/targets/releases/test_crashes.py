"""Every moment at which a process may be killed or the power fail, and everything that may be lost then."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgekit_targets.errors import CheckFailed
from edgekit_targets.releases.boot import ScriptedBoot
from edgekit_targets.releases.install import Steps, confirm, install, rollback
from edgekit_targets.releases.simulated import Operation, Tree, Trouble, freeze, read_tree, survivors, write_tree
from edgekit_targets.releases.store import Store
from tests.targets.releases.bench import id_of, sick, small_release, small_steps, steps, store_at
from tests.targets.releases.conftest import Owner

Make = Callable[..., Path]
MOST_REMOVALS = 3


@dataclass
class World:
    """A device's disk, and what releases there are."""

    folder: Path
    steps: Steps
    sick: Steps
    shipped: dict[int, Path]
    boot: ScriptedBoot

    def store(self, about: Callable[[Operation], None] | None = None) -> Store:
        return store_at(self.folder / "device", about, self.boot)

    def recover(self, trouble: Trouble) -> None:
        store = self.store(trouble)
        if store.releases.is_dir():
            with store.locked():
                store.recover()


Act = Callable[[World, Store], object]


def _install(counter: int, **options: Any) -> Act:
    return lambda world, store: install(world.shipped[counter], store, world.steps, **options)


def _sick(world: World, store: Store) -> None:
    with contextlib.suppress(CheckFailed):
        install(world.shipped[3], store, world.sick)


def _confirm(world: World, store: Store) -> None:
    confirm(store)


def _rollback(world: World, store: Store) -> None:
    rollback(store, world.steps)


def _prune(world: World, store: Store) -> None:
    with store.locked():
        store.recover()
        store.prune(0)


def _too_late(world: World, store: Store) -> None:
    world.boot.advance(100.0)
    with store.locked():
        store.recover()


def _damage(world: World, store: Store) -> None:
    (store.folder / "current" / "model.onnx").write_bytes(b"\0" * 100)


TWO = (_install(1), _install(2))
WAITING = (*TWO, _install(3, confirm_within=60.0))
SCENES: dict[str, tuple[tuple[Act, ...], Act]] = {
    "first install": ((), _install(1)),
    "second install": ((_install(1),), _install(2)),
    "install": (TWO, _install(3)),
    "install again what was rolled back": ((*TWO, _rollback), _install(2)),
    "install to be confirmed": (TWO, _install(3, confirm_within=60.0)),
    "confirm": (WAITING, _confirm),
    "not confirmed": (WAITING, _too_late),
    "probe fails": (TWO, _sick),
    "first probe fails": ((), _sick),
    "rollback": (TWO, _rollback),
    "rollback instead of confirming": (WAITING, _rollback),
    "prune": ((*TWO, _install(3), _install(4)), _prune),
    "repair": ((*TWO, _damage), _install(2)),
    "repair what is not current": ((*TWO, _damage, _install(3), _install(4)), _install(2, force_older=True)),
}


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_whatever_is_lost_the_old_or_the_new_release_is_there(quick: Path, scene: str) -> None:
    world = World(
        folder=quick / "disk",
        steps=small_steps(),
        sick=small_steps(sick),
        shipped={counter: small_release(quick / str(counter), counter) for counter in (1, 2, 3, 4)},
        boot=ScriptedBoot(),
    )
    _enumerate(world, *SCENES[scene])


@pytest.mark.slow
def test_the_same_of_a_real_release(quick: Path, make_release: Make, owner: Owner) -> None:
    world = World(
        folder=quick / "disk",
        steps=steps(owner.public),
        sick=steps(owner.public, health=sick),
        shipped={counter: make_release(counter) for counter in (1, 2)},
        boot=ScriptedBoot(),
    )
    _enumerate(world, (_install(1),), _install(2), removals=0)


@dataclass(frozen=True)
class Found:
    """A disk after a crash."""

    tree: Tree
    restarted: bool
    finished: bool
    """What was asked for had been answered before."""


class Reached:
    """Every disk that a crash leaves, each once."""

    def __init__(self) -> None:
        self.queue: list[Found] = []
        self._seen: set[object] = set()

    def add(self, trees: Iterator[Tree], *, finished: bool, restarted: bool = False) -> None:
        for number, tree in enumerate(trees):
            # The first is what a killed process leaves, without a restart.
            for anew in (False, True) if number == 0 and not restarted else (True,):
                key = (anew, finished, freeze(tree))
                if key not in self._seen:
                    self._seen.add(key)
                    self.queue.append(Found(tree, anew, finished))


def _enumerate(world: World, before: tuple[Act, ...], act: Act, removals: int = MOST_REMOVALS) -> None:
    world.folder.mkdir()
    for one in before:
        one(world, world.store())
    safe = read_tree(world.folder)
    was, waited = world.store().current(), world.store().waits() is not None
    floor = world.store().state().accepted
    known = [_releases(world.store())]
    trouble = Trouble()
    act(world, world.store(trouble))
    now, waits = world.store().current(), world.store().waits() is not None
    known += [_releases(world.store()), _shipped(world)]
    if waited:
        was_not_confirmed = world.store().previous() if now == was else now
    reached = Reached()
    for many in range(len(trouble.done) + 1):
        reached.add(survivors(safe, world.folder, trouble.done[:many]), finished=many == len(trouble.done))
    assert len(reached.queue) > 1
    boot = world.boot
    while reached.queue:
        found = reached.queue.pop()
        write_tree(found.tree, world.folder)
        world.boot = ScriptedBoot()
        world.boot.advance(boot.seconds())
        if found.restarted:
            world.boot.restart()
        allowed = {was, now}
        if waited:
            allowed.add(was_not_confirmed)
        if found.finished and not (waits and found.restarted):
            allowed = {now}
        opened = world.store().to_open()  # by an application that does not wait for the recovery
        # One that is being tried is opened too, until it is gone back from; after a restart it is not.
        assert opened in (allowed if found.restarted else {*allowed, world.store().current()})
        assert opened is None or any(one.get(opened) == read_tree(world.store().path(opened)) for one in known)
        again, twice = Trouble(full_from=0), Trouble()  # the way back needs no room
        world.recover(again)
        store = world.store()
        assert store.current() in allowed
        assert store.current() == opened or not found.restarted
        _check_rest(store, known, floor)
        assert store.state().pending is None or ((waits or waited) and not found.restarted)
        world.recover(twice)
        assert twice.done == []
        # The power fails once more while it recovers; of losing what only removes the nameless, a few stand for all.
        last = max((number for number, done in enumerate(again.done) if done.kind == "rename"), default=-2) + 2
        for many in range(1, max(last, min(len(again.done), removals))):
            trees = survivors(found.tree, world.folder, again.done[:many])
            reached.add(trees, finished=found.finished, restarted=found.restarted)
        assert all(done.kind == "sync" or _is_nameless(world, done) for done in again.done[last:])


def _is_nameless(world: World, operation: Operation) -> bool:
    return any(part.startswith(".") for part in operation.path.relative_to(world.folder).parts)


def _check_rest(store: Store, known: list[dict[str, Tree]], floor: int) -> None:
    """Nothing is there in part or mixed, the links lead to what is there, and nothing else is left."""
    held = _releases(store)
    assert all(any(one.get(name) == content for one in known) for name, content in held.items())
    assert store.current() in (None, *held)
    assert store.previous() in (None, *held)
    assert store.current() != store.previous() or store.current() is None
    assert store.state().pending is None or store.waits() is not None
    assert store.state().accepted >= floor
    if store.releases.is_dir():
        left = {path.name for path in (*store.folder.iterdir(), *store.releases.iterdir())}
        assert {name for name in left if name[0] == "."} <= {".lock"} or store.waits() is not None


def _shipped(world: World) -> dict[str, Tree]:
    return {id_of(path, world.steps): read_tree(path) for path in world.shipped.values()}


def _releases(store: Store) -> dict[str, Tree]:
    return {name: read_tree(store.path(name)) for name in store.held()}
