"""The store against a model of it that fits on a page, through whatever order of events Hypothesis finds."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edgekit_targets.errors import CheckFailed, EdgekitError, InputError, WriteFailed
from edgekit_targets.releases.boot import ScriptedBoot
from edgekit_targets.releases.install import confirm, install, rollback
from edgekit_targets.releases.simulated import Stopped, Trouble
from edgekit_targets.releases.store import Store
from tests.targets.releases.bench import id_of, sick, small_release, small_steps, store_at

WITHIN = 60.0


@dataclass(frozen=True)
class Model:
    """What the links name, what was accepted, and what they named before a switch that waits."""

    current: str | None = None
    previous: str | None = None
    accepted: int = 0
    before: tuple[str | None, str | None] | None = None

    def rested(self) -> Model:
        """After going back from a switch that waits."""
        return (
            self if self.before is None else replace(self, current=self.before[0], previous=self.before[1], before=None)
        )


troubles = st.one_of(
    st.none(),
    st.builds(Trouble, stop_at=st.integers(0, 60)),
    st.builds(Trouble, full_from=st.integers(0, 60)),
    st.builds(Trouble, fail_at=st.integers(0, 60)),
)


@dataclass
class Shipped:
    """What was made so far, by counter."""

    folder: Path
    paths: dict[int, Path] = field(default_factory=dict)

    def get(self, counter: int) -> tuple[Path, str]:
        if counter not in self.paths:
            self.paths[counter] = small_release(self.folder / str(counter), counter)
        path = self.paths[counter]
        return path, id_of(path, small_steps())


class Machine(RuleBasedStateMachine):
    """One device."""

    @initialize()
    def begin(self) -> None:
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.boot = ScriptedBoot()
        self.deadline = 0.0
        self.shipped = Shipped(self.folder / "shipped")
        self.model = Model()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(
        counter=st.integers(1, 6),
        healthy=st.booleans(),
        waiting=st.booleans(),
        force=st.booleans(),
        trouble=troubles,
    )
    def install(self, counter: int, healthy: bool, waiting: bool, force: bool, trouble: Trouble | None) -> None:
        source, name = self.shipped.get(counter)
        floor = max(self.model.accepted, 0 if self.model.current is None else int(self.model.current.split("-")[0]))
        after: Model | type[EdgekitError]
        if self.model.current == name:
            after = self.model
        elif self.model.before is not None:
            after = InputError
        elif (counter < floor and not force) or not healthy:
            after = CheckFailed
        else:
            now = replace(self.model, current=name, previous=self.model.current)
            before = (self.model.current, self.model.previous)
            after = replace(now, before=before) if waiting else replace(now, accepted=max(now.accepted, counter))
        within, waited = WITHIN if waiting else None, self.model.before
        steps = small_steps() if healthy else small_steps(sick)
        self._do(lambda store: install(source, store, steps, force_older=force, confirm_within=within), after, trouble)
        if waited is None and self.model.before is not None:
            self.deadline = self.boot.seconds() + WITHIN

    @rule(trouble=troubles)
    def confirm(self, trouble: Trouble | None) -> None:
        waits = self.model.before is not None
        counter = int((self.model.current or "0").split("-")[0])
        after = replace(self.model, before=None, accepted=max(self.model.accepted, counter)) if waits else InputError
        self._do(confirm, after, trouble)

    @rule(trouble=troubles)
    def rollback(self, trouble: Trouble | None) -> None:
        after: Model | type[EdgekitError] = self.model.rested()
        if self.model.before is None:
            swapped = replace(self.model, current=self.model.previous, previous=self.model.current)
            after = InputError if self.model.previous is None else swapped
        self._do(lambda store: rollback(store, small_steps()), after, trouble)

    @rule(keep=st.integers(0, 2), trouble=troubles)
    def prune(self, keep: int, trouble: Trouble | None) -> None:
        def act(store: Store) -> None:
            with store.locked():
                store.recover()
                store.prune(keep)

        exists = (self.folder / "device/models/model/releases").is_dir()
        self._do(act, self.model if exists else InputError, trouble)

    @rule()
    def restart(self) -> None:
        self.boot.restart()
        self._recover(self.model.rested())

    @rule(seconds=st.sampled_from([WITHIN / 3, WITHIN]))
    def time_passes(self, seconds: float) -> None:
        self.boot.advance(seconds)
        late = self.model.before is not None and self.boot.seconds() >= self.deadline
        self._recover(self.model.rested() if late else self.model)

    @invariant()
    def the_store_is_as_the_model(self) -> None:
        if hasattr(self, "model"):
            assert self._found() == self.model
            store = store_at(self.folder / "device", boot=self.boot)
            for name in store.held():
                small_steps().verify(store.path(name))
            assert {store.current(), store.previous()} <= {None, *store.held()}

    def _do(self, act: Callable[[Store], object], after: Model | type[EdgekitError], trouble: Trouble | None) -> None:
        """Without trouble it is as expected; with trouble it is that, or nothing was changed."""
        store = store_at(self.folder / "device", trouble, self.boot)
        try:
            act(store)
        except Stopped:
            self._adopt(after)
        except WriteFailed:
            assert trouble is not None
            assert trouble.stop_at is None
            # Only a disk that breaks right after a note was renamed leaves what was asked for.
            self._adopt(after if trouble.fail_at is not None else self.model)
        except EdgekitError as error:
            assert not isinstance(after, Model)
            if not isinstance(error, after):
                raise
            self._recover(self.model)
        else:
            assert isinstance(after, Model)
            self.model = after

    def _adopt(self, after: Model | type[EdgekitError]) -> None:
        self._recover(None)
        found = self._found()
        allowed = [self.model, self.model.rested()]
        if isinstance(after, Model):
            allowed += [after, after.rested()]
        assert found in allowed
        self.model = found

    def _recover(self, expected: Model | None) -> None:
        store = store_at(self.folder / "device", boot=self.boot)
        if store.releases.is_dir():
            with store.locked():
                store.recover()
        if expected is not None:
            self.model = expected

    def _found(self) -> Model:
        store = store_at(self.folder / "device", boot=self.boot)
        pending = store.waits()
        return Model(
            current=store.current(),
            previous=store.previous(),
            accepted=store.state().accepted,
            before=None if pending is None else (pending.current, pending.previous),
        )


Machine.TestCase.settings = settings(max_examples=150, stateful_step_count=30)
TestMachine = pytest.mark.slow(Machine.TestCase)
