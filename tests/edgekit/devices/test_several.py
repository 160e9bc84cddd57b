from __future__ import annotations

import threading

import pytest

from edgekit.devices.failures import DeviceLost
from edgekit.devices.several import Outcome, on_each
from edgekit_targets.errors import InputError
from edgekit_targets.progress import Progress, silent


def test_each_ends_in_its_own_result_or_line() -> None:
    def work(device: str, progress: Progress) -> str:
        if device == "full":
            raise InputError("full: no room")
        return device.upper()

    a, full, b = on_each(["a", "full", "b"], work, silent)
    assert (a.result, b.result) == ("A", "B")
    assert full.result is None
    assert str(full.error) == "full: no room"


def test_they_work_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=20)

    def work(device: str, progress: Progress) -> int:
        return together.wait()

    assert {one.result for one in on_each(["a", "b", "c"], work, silent)} == {0, 1, 2}


def test_a_lost_device_is_tried_again_within_limits() -> None:
    tries: list[str] = []

    def work(device: str, progress: Progress) -> str:
        tries.append(device)
        if device == "gone" or tries.count(device) < 2:
            raise DeviceLost(f"the connection to {device} broke")
        return "done"

    gone, back = on_each(["gone", "back"], work, silent, tries=3, pause_seconds=0.0)
    assert (tries.count("gone"), tries.count("back")) == (3, 2)
    assert back.result == "done"
    assert str(gone.error) == "the connection to gone broke (tried 3 times)"


def test_stages_name_the_device_where_there_are_several() -> None:
    stages: list[str] = []

    def work(device: str, progress: Progress) -> None:
        progress("profile", 0, 1)

    def note(stage: str, done: float, total: float) -> None:
        stages.append(stage)

    on_each(["a"], work, note)
    on_each(["b", "c"], work, note)
    assert sorted(stages) == ["b: profile", "c: profile", "profile"]


def test_a_bug_is_no_line_of_a_device_and_ends_all() -> None:
    begun: list[str] = []

    def work(device: str, progress: Progress) -> None:
        begun.append(device)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        on_each(["a"], work, silent)
    with pytest.raises(ZeroDivisionError):
        on_each([f"pi{number}" for number in range(500)], work, silent, at_once=1)
    assert len(begun) < 500


def test_no_more_at_a_time_than_asked_for() -> None:
    lock = threading.Lock()
    busy: set[str] = set()
    most: list[int] = []

    def work(device: str, progress: Progress) -> None:
        with lock:
            busy.add(device)
            most.append(len(busy))
        threading.Event().wait(0.01)
        with lock:
            busy.remove(device)

    on_each([f"pi{number}" for number in range(9)], work, silent, at_once=3)
    assert max(most) <= 3


def test_each_end_is_told_when_it_comes() -> None:
    full_ended = threading.Event()

    def work(device: str, progress: Progress) -> bool:
        if device == "full":
            raise InputError("full: no room")
        return full_ended.wait(20)

    def ended(outcome: Outcome[bool]) -> None:
        if outcome.error is not None:
            full_ended.set()

    other, _ = on_each(["other", "full"], work, silent, ended=ended)
    assert other.result
