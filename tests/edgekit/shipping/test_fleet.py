"""A thousand simulated devices: whatever happens to them and to the controller, each keeps a working release."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from edgekit.shipping.push import Push
from edgekit.shipping.rollout import Back, Reach, Receiver, roll_out
from edgekit.shipping.state import Question, Rollout, State
from edgekit.shipping.waves import split
from edgekit_targets.progress import silent
from edgekit_targets.releases.check import verify_release
from edgekit_targets.releases.format import release_id
from edgekit_targets.releases.install import install
from edgekit_targets.releases.store import CURRENT
from tests.edgekit.shipping.conftest import id_of
from tests.edgekit.shipping.simulated import CONFIRM_SECONDS, FAULTS, HARMLESS, Line, Simulated
from tests.targets.releases.conftest import Owner

pytestmark = pytest.mark.slow

Result = TypeVar("Result")

DEVICES = 1000
OPERATIONS = 70
"""About as many as an installation has."""


class Killed(BaseException):
    """The controller's end."""


class Controller:
    """One process that ships; with some luck it lives until it is done. Of two steps at once one may still be made."""

    def __init__(self, luck: random.Random, death_rate: float) -> None:
        self._luck, self._death_rate = luck, death_rate
        self.dead = False

    def live(self) -> None:
        """Go on, or not."""
        self.dead = self.dead or self._luck.random() < self._death_rate
        if self.dead:
            raise Killed


@dataclasses.dataclass
class Mortal:
    """The receiver of a device, for a controller that may die before and after each of its steps."""

    push: Push
    controller: Controller

    def _step(self, step: Callable[[], Result]) -> Result:
        self.controller.live()
        found = step()
        self.controller.live()
        return found

    def send(self) -> None:
        self._step(self.push.send)

    def install(self) -> None:
        self._step(self.push.install)

    def confirm(self) -> None:
        self._step(self.push.confirm)

    def go_back(self) -> Back:
        return self._step(self.push.go_back)

    def has_left(self) -> bool:
        return self._step(self.push.has_left)


class Fleet:
    """Devices that all run one release already."""

    def __init__(self, folder: Path, owner: Owner, release: Path, count: int, luck: random.Random) -> None:
        self._folder, self._owner, self._luck = folder, owner, luck
        first = Simulated(name="first", root=folder / "first", keys=(owner.public,))
        installed = install(release, first.store(), first.steps())
        self.devices = {}
        for number in range(count):
            name = f"device-{number}"
            shutil.copytree(first.root, folder / name, symlinks=True)
            self.devices[name] = Simulated(name=name, root=folder / name, keys=(owner.public,))
        self._runs = dict.fromkeys(self.devices, installed.release)

    def ship(self, release: Path, waves: str, death_rate: float) -> Rollout:
        """Roll out to all of them; a controller that dies is followed by another, at once or after a while."""
        file = self._folder / "rollouts.sqlite"
        with State(file) as state:
            question = Question(
                bundle="b",
                artifact="a",
                model="model",
                waves=split(list(self.devices), waves),
                probe=None,
                confirm_seconds=CONFIRM_SECONDS,
                force=False,
                others={},
            )
            number = state.begin(question, id_of(release), release).number
        while True:
            with State(file) as state, contextlib.suppress(Killed):
                reach = self._reach(release, Controller(self._luck, death_rate))
                found = roll_out(state, number, reach, silent, at_once=3, tries=2, pause_seconds=0.0)
                if found.status != "returning":
                    return found
                for device in self.devices.values():
                    device.comes_back()
            if self._luck.random() < 0.5:
                for device in self.devices.values():
                    device.settle()

    def check(self, found: Rollout, release: Path) -> None:
        """None without a working release, none switched twice, and each has what the record says that it has."""
        new = id_of(release)
        for one in found.deliveries:
            device, old = self.devices[one.device], self._runs[one.device]
            device.settle()  # what nobody confirmed goes back
            store = device.store()
            with store.locked():
                store.recover()
            self._runs[one.device] = runs = store.current() or ""
            said, signer = verify_release(store.folder / CURRENT, (self._owner.public,))
            assert runs == release_id(said.counter, signer.digests)
            assert runs == (new if one.stage == "done" else old), one
            # Never to what it has already, and to the new one again only after it had gone back by itself.
            assert all(this != that for this, that in itertools.pairwise([old, *device.switches])), device.switches
            assert device.switches.count(new) <= 1 + device.lapses, device.switches
            assert set(device.switches) <= {old, new}
            device.switches.clear()
            device.lapses = 0

    def _reach(self, release: Path, controller: Controller) -> Reach:
        @contextlib.contextmanager
        def reach(name: str) -> Iterator[Receiver]:
            controller.live()
            line = Line(self.devices[name])
            yield Mortal(Push(line, release, id_of(release), "model", confirm_seconds=CONFIRM_SECONDS), controller)

        return reach


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a file system: nothing here is about what a disk keeps."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else tmp_path))
    yield made
    shutil.rmtree(made)


def test_a_thousand_get_over_what_can_be_got_over(
    folder: Path, owner: Owner, make_release: Callable[..., Path]
) -> None:
    """Every line breaks once, at a random point, and the controller dies a few times."""
    luck = random.Random(1)
    fleet = Fleet(folder, owner, make_release(1), DEVICES, luck)
    for device in fleet.devices.values():
        device.fault = luck.choice(HARMLESS)
    new = make_release(2)
    found = fleet.ship(new, "1,5%,100%", death_rate=0.0005)
    assert found.status == "done"
    assert {one.stage for one in found.deliveries} == {"done"}
    fleet.check(found, new)


def test_a_thousand_fail_at_random_points(folder: Path, owner: Owner, make_release: Callable[..., Path]) -> None:
    """In fleets of 20, each with devices that may fail in every way there is."""
    ends: Counter[tuple[str, str]] = Counter()
    old, new = make_release(1), make_release(2)
    for seed in range(DEVICES // 20):
        luck = random.Random(seed)
        fleet = Fleet(folder / str(seed), owner, old, 20, luck)
        for device in fleet.devices.values():
            device.fault = luck.choice(FAULTS) if luck.random() < 0.15 else luck.choice((None, *HARMLESS))
            device.operation = luck.randrange(OPERATIONS)
        found = fleet.ship(new, luck.choice(["1,100%", "100%", "1,25%,100%"]), death_rate=0.01)
        fleet.check(found, new)
        ends.update((found.status, one.stage) for one in found.deliveries)
    # Nothing of this would mean much if it had not been met.
    assert set(ends) >= {
        *{("done", "done"), ("failed", "done"), ("failed", "waiting"), ("failed", "refused"), ("failed", "returned")}
    }, ends
