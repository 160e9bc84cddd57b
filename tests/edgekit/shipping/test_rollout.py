"""The order of things, with devices that do as they are told; the simulated ones are in test_fleet."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgekit.devices.failures import DeviceLost
from edgekit.shipping.rollout import Back, Receiver, roll_out
from edgekit.shipping.state import Question, Rollout, State
from edgekit_targets.errors import CheckFailed, EdgekitError, InputError
from edgekit_targets.progress import silent


@dataclass
class Device:
    """What it was asked, in order; ``faults`` are raised instead of an answer, each once, before or after it works."""

    faults: dict[str, list[EdgekitError]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    on_new: bool = False
    taken: bool = False
    first: bool = False

    def _fail(self, at: str) -> None:
        if self.faults.get(at):
            raise self.faults[at].pop(0)

    def send(self) -> None:
        self.asked.append("send")
        self._fail("send")

    def install(self) -> None:
        self.asked.append("install")
        self._fail("install")
        self.taken = self.on_new = True
        self._fail("installed")

    def confirm(self) -> None:
        self.asked.append("confirm")
        self._fail("confirm")
        if not self.on_new:
            raise CheckFailed("went back")
        self._fail("confirmed")

    def go_back(self) -> Back:
        self.asked.append("go back")
        self._fail("go back")
        if self.first:
            return "nothing before"
        was, self.on_new = self.on_new, False
        return "went back" if was else "not there"

    def has_left(self) -> bool:
        return self.taken and not self.on_new


class Fleet(dict[str, Device]):
    """The devices by name."""

    def __init__(self, **devices: Device) -> None:
        super().__init__(devices)
        self.reached: list[str] = []

    @contextlib.contextmanager
    def reach(self, name: str) -> Iterator[Receiver]:
        self.reached.append(name)
        self[name]._fail("reach")
        yield self[name]


Begin = Callable[..., int]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "rollouts.sqlite") as opened:
        yield opened


@pytest.fixture
def begin(state: State) -> Begin:
    def start(*waves: tuple[str, ...]) -> int:
        question = Question(
            bundle="/b",
            artifact="a",
            model="model",
            waves=waves,
            probe=None,
            confirm_seconds=60.0,
            force=False,
            others={},
        )
        return state.begin(question, "1-ab", Path("/r")).number

    return start


def go(state: State, number: int, fleet: Fleet) -> Rollout:
    return roll_out(state, number, fleet.reach, silent, at_once=1, tries=2, pause_seconds=0.0)


def stages(rollout: Rollout) -> dict[str, str]:
    return {one.device: one.stage for one in rollout.deliveries}


def test_wave_after_wave(state: State, begin: Begin) -> None:
    fleet = Fleet(a=Device(), b=Device(), c=Device())
    found = go(state, begin(("b",), ("a", "c")), fleet)
    assert found.status == "done"
    assert set(stages(found).values()) == {"done"}
    assert fleet.reached[0] == "b"
    assert all(one.asked == ["send", "install", "confirm"] for one in fleet.values())


def test_the_first_that_fails_stops_and_sends_its_wave_back(state: State, begin: Begin) -> None:
    fleet = Fleet(
        a=Device(), b=Device(), c=Device({"installed": [CheckFailed("c: golden vectors")]}), d=Device(), e=Device()
    )
    number = begin(("a",), ("b", "c", "d"), ("e",))
    found = roll_out(state, number, fleet.reach, silent, at_once=1, tries=1, pause_seconds=0.0)
    assert found.status == "failed"
    # a's wave had gone well; d had not been asked yet when c failed; nobody has reached e.
    assert stages(found) == {"a": "done", "b": "returned", "c": "returned", "d": "waiting", "e": "waiting"}
    assert [name for name, one in fleet.items() if one.on_new] == ["a"]
    assert fleet.reached == ["a", "b", "c", "b", "c"]
    told = {one.device: (one.told, one.code) for one in found.deliveries if one.told}
    assert told == {"c": ("c: golden vectors", 5)}


def test_one_that_refuses_is_not_sent_back(state: State, begin: Begin) -> None:
    fleet = Fleet(a=Device({"install": [InputError("a: its disk is full")]}), b=Device({"send": [InputError("b: no")]}))
    assert stages(go(state, begin(("a",)), fleet)) == {"a": "refused"}
    assert stages(go(state, begin(("b",)), fleet)) == {"b": "refused"}
    assert fleet["b"].asked == ["send"]


@pytest.mark.parametrize("at", ["reach", "send", "install", "installed", "confirm", "confirmed"])
def test_a_connection_that_breaks_once_does_no_harm(state: State, begin: Begin, at: str) -> None:
    fleet = Fleet(a=Device({at: [DeviceLost("the connection to a broke")]}))
    found = go(state, begin(("a",)), fleet)
    assert (found.status, stages(found)) == ("done", {"a": "done"})
    assert fleet["a"].on_new


def test_one_that_went_back_while_it_was_lost_is_not_switched_again(state: State, begin: Begin) -> None:
    class Impatient(Device):
        def confirm(self) -> None:
            self.on_new = False
            super().confirm()

    fleet = Fleet(a=Impatient({"confirm": [DeviceLost("the connection to a broke")]}))
    found = go(state, begin(("a",)), fleet)
    assert (found.status, stages(found)) == ("failed", {"a": "refused"})
    assert "went back by itself" in str(found.deliveries[0].told)
    assert fleet["a"].asked == ["send", "install", "confirm", "go back"]


def test_one_that_cannot_be_told_to_go_back_is_owed_it(state: State, begin: Begin) -> None:
    gone = [DeviceLost("the connection to b broke")] * 2
    fleet = Fleet(a=Device(), b=Device({"installed": list(gone), "go back": list(gone)}))
    number = begin(("a", "b"))
    found = go(state, number, fleet)
    assert (found.status, stages(found)) == ("returning", {"a": "returned", "b": "returning"})
    assert [one.number for one in state.unfinished()] == [number]
    found = go(state, number, fleet)
    assert (found.status, stages(found)) == ("failed", {"a": "returned", "b": "returned"})
    assert fleet["a"].asked.count("go back") == 1
    assert not fleet["b"].on_new


def test_one_that_had_nothing_before_keeps_the_only_one_it_has(state: State, begin: Begin) -> None:
    fleet = Fleet(a=Device(first=True), b=Device({"install": [CheckFailed("b: golden vectors")]}))
    found = go(state, begin(("a", "b")), fleet)
    assert (found.status, stages(found)) == ("failed", {"a": "kept", "b": "refused"})
    assert fleet["a"].on_new


class Killed(BaseException):
    """The controller's end."""


@pytest.mark.parametrize("dies_at", range(1, 12))
def test_another_process_goes_on(state: State, begin: Begin, dies_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The controller dies at each of its steps in turn: before something is recorded, or right after."""
    fleet = Fleet(a=Device(), b=Device(), c=Device())
    number = begin(("a",), ("b", "c"))
    left = [dies_at]
    mark = state.mark

    def dying(*words: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        mark(*words)  # type: ignore[arg-type]
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(state, "mark", dying)
        roll_out(state, number, fleet.reach, silent, at_once=1)
    found = go(state, number, fleet)
    assert (found.status, set(stages(found).values())) == ("done", {"done"})
    for device in fleet.values():
        assert device.asked.count("confirm") <= 2
        assert device.on_new


def test_what_is_done_is_not_asked_again(state: State, begin: Begin) -> None:
    fleet = Fleet(a=Device(), b=Device())
    number = begin(("a",), ("b",))
    state.mark(number, "a", "done")
    go(state, number, fleet)
    go(state, number, fleet)
    assert (fleet["a"].asked, fleet["b"].asked) == ([], ["send", "install", "confirm"])
