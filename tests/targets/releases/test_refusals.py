"""What a device refuses, each with one clear line, and nothing of it changed."""

from __future__ import annotations

import dataclasses
import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit_targets.errors import AgentFailed, CheckFailed, EdgekitError, InputError, WriteFailed
from edgekit_targets.flock import take
from edgekit_targets.releases import steps as real
from edgekit_targets.releases.install import confirm, install, rollback
from edgekit_targets.releases.simulated import NEEDS_ROOM, Trouble, read_tree
from edgekit_targets.releases.store import Store
from tests.targets.releases.bench import sick, small_release, small_steps, steps, store_at
from tests.targets.releases.conftest import Owner

Make = Callable[..., Path]


@pytest.fixture
def store(root: Path, owner: Owner, make_release: Make) -> Store:
    store = store_at(root)
    install(make_release(5), store, steps(owner.public))
    return store


def refused(store: Store, source: Path, error: type[EdgekitError], message: str, **changes: Any) -> None:
    """Installing fails so, on one line, and the device is as it was."""
    before = read_tree(store.root)
    settings = {"steps": small_steps()} | changes
    with pytest.raises(error, match=message) as caught:
        install(source, store, **settings)
    assert "\n" not in str(caught.value)
    assert read_tree(store.root) == before


def test_an_older_counter(store: Store, owner: Owner, make_release: Make) -> None:
    mine = steps(owner.public)
    refused(store, make_release(4), CheckFailed, r"is older \(counter 4\).*accepted \(5\).*--force-older", steps=mine)
    older = install(make_release(4), store, mine, force_older=True)
    assert older.counter == 4
    refused(store, make_release(3), CheckFailed, r"accepted \(5\)", steps=mine)
    assert install(make_release(5), store, mine).changed


def test_forcing_an_older_one_needs_the_key_all_the_same(store: Store, owner: Owner, make_release: Make) -> None:
    stranger = make_release(4, signer=Owner())
    mine = steps(owner.public)
    refused(store, stranger, CheckFailed, "not trusted", steps=mine, force_older=True)


def test_the_counter_outlives_its_note(store: Store, owner: Owner, make_release: Make) -> None:
    (store.folder / "accepted.json").unlink()
    refused(store, make_release(4), CheckFailed, r"accepted \(5\)", steps=steps(owner.public))


def test_another_model(store: Store, owner: Owner, make_release: Make) -> None:
    other = make_release(6, name="other")
    refused(store, other, CheckFailed, "a release of other, not of model", steps=steps(owner.public))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architectures": ("sparc64",)}, "is for sparc64, this device is"),
        ({"min_onnxruntime": "99.0"}, "needs onnxruntime 99.0 or newer, here is"),
    ],
)
def test_a_device_that_it_is_not_for(
    store: Store, owner: Owner, make_release: Make, changes: dict[str, Any], message: str
) -> None:
    real_suits = dataclasses.replace(steps(owner.public), suits=real.suits)
    refused(store, make_release(6, **changes), InputError, message, steps=real_suits)


def test_a_failing_trial_or_probe_or_watchdog(store: Store, owner: Owner, make_release: Make) -> None:
    mine, source = steps(owner.public), make_release(6)

    def no_process(store: Store, release: str) -> Any:
        raise AgentFailed("no process could be started")

    refused(store, source, CheckFailed, "is not well", steps=dataclasses.replace(mine, trial=sick))
    refused(store, source, CheckFailed, "is not well", steps=dataclasses.replace(mine, health=sick))
    refused(store, source, AgentFailed, "no process", steps=dataclasses.replace(mine, guard=no_process))


def test_another_release_while_one_waits(store: Store, owner: Owner, make_release: Make) -> None:
    mine, waiting = steps(owner.public), make_release(6)
    answer = install(waiting, store, mine, confirm_within=60.0)
    assert (answer.state, answer.seconds_left) == ("waiting", 60.0)
    refused(store, make_release(7), InputError, "waits for its confirmation", steps=mine)
    again = install(waiting, store, mine, confirm_within=60.0)
    assert (again.changed, again.state) == (False, "waiting")
    with pytest.raises(CheckFailed, match="is not current here"):
        confirm(store, "7-0123456789ab")
    assert confirm(store, answer.release) == (answer.release, True)
    assert confirm(store, answer.release) == (answer.release, False)
    with pytest.raises(InputError, match="nothing waits"):
        confirm(store)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e9, float("nan")])
def test_a_confirmation_that_cannot_be_waited_for(store: Store, tmp_path: Path, seconds: float) -> None:
    refused(store, tmp_path, InputError, "--confirm-within must be from", confirm_within=seconds)


def test_two_controllers(store: Store, owner: Owner, make_release: Make) -> None:
    lock = take(store.folder / ".lock")
    store._patience = 0.05
    before = read_tree(store.root)
    try:
        for act in (
            lambda: install(make_release(6), store, steps(owner.public)),
            lambda: confirm(store),
            lambda: rollback(store, steps(owner.public)),
        ):
            with pytest.raises(InputError, match=rf"another edgekit is at work .*\(process {os.getpid()}\)"):
                act()
    finally:
        os.close(lock)
    assert read_tree(store.root) == before


def test_going_back_to_what_was_damaged(store: Store, owner: Owner, make_release: Make) -> None:
    mine = steps(owner.public)
    install(make_release(6), store, mine)
    (store.folder / "previous" / "golden.npz").write_bytes(b"PK")
    before = read_tree(store.root)
    with pytest.raises(CheckFailed, match=r"golden\.npz is not the file that was signed"):
        rollback(store, mine)
    assert read_tree(store.root) == before


def test_a_damaged_current_release_is_repaired_by_installing_it_again(
    store: Store, owner: Owner, make_release: Make
) -> None:
    mine, source = steps(owner.public), make_release(6)
    first = install(source, store, mine)
    (store.folder / "current" / "model.onnx").write_bytes(b"")
    second = install(source, store, mine)
    assert (second.changed, second.release) == (True, f"{first.release}-2")
    assert read_tree(store.folder / "current") == read_tree(source)


@pytest.mark.parametrize("confirm_within", [None, 60.0])
def test_a_disk_that_is_full_at_any_moment(quick: Path, confirm_within: float | None) -> None:
    """From each operation on that needs room there is none: refused with nothing changed, or done."""
    store = store_at(quick / "device")
    for counter in (1, 2):
        install(small_release(quick / str(counter), counter), store, small_steps())
    source = small_release(quick / "3", 3)
    counted = Trouble()
    trial = store_at(quick / "device", counted)
    with pytest.raises(CheckFailed):
        install(source, trial, small_steps(sick), confirm_within=confirm_within)
    before = read_tree(quick / "device")
    full = 0
    for number, operation in enumerate(counted.done):
        if operation.kind not in NEEDS_ROOM:
            continue
        for trouble in (Trouble(full_from=number), Trouble(fail_at=number, error=errno.ENOSPC)):
            with pytest.raises(WriteFailed, match=rf"No space left on device; current is {store.current()}"):
                install(source, store_at(quick / "device", trouble), small_steps(), confirm_within=confirm_within)
            full += 1
            assert read_tree(quick / "device") == before
    assert full > 20


def test_a_disk_that_cannot_be_written(quick: Path) -> None:
    store = store_at(quick / "device")
    install(small_release(quick / "1", 1), store, small_steps())
    source = small_release(quick / "2", 2)
    before = read_tree(quick / "device")

    def read_only(operation: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with pytest.raises(WriteFailed, match=r"Read-only file system; current is 1-"):
        install(source, store_at(quick / "device", read_only), small_steps())
    with pytest.raises(WriteFailed, match=r"Read-only file system; current is none"):
        install(source, store_at(quick / "new", read_only), small_steps())
    assert read_tree(quick / "device") == before
    assert not (quick / "new").exists()


def test_a_disk_that_is_really_full_and_one_that_is_really_read_only(small_disk: Path, tmp_path: Path) -> None:
    store = Store(small_disk / "device")
    install(small_release(tmp_path / "1", 1), store, small_steps())
    before = read_tree(small_disk / "device")
    large = small_release(tmp_path / "2", 2)
    (large / "model.sig").write_bytes(b"model.sig 2" + b" " * 70_000)
    mine = dataclasses.replace(small_steps(), verify=lambda folder: small_steps().verify(tmp_path / "2b"))
    small_release(tmp_path / "2b", 2)
    with pytest.raises(WriteFailed, match=r"No space left on device; current is 1-"):
        install(large, store, mine)
    assert read_tree(small_disk / "device") == before
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(WriteFailed, match=r"Read-only file system; current is 1-"):
        install(tmp_path / "2b", store, small_steps())
    assert read_tree(small_disk / "device") == before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"accepted": -1.5}', '{"schema_version": 2}', "\0" * 40])
def test_a_damaged_note_is_told_and_nothing_is_done(store: Store, tmp_path: Path, content: str) -> None:
    (store.folder / "accepted.json").write_text(content)
    refused(store, small_release(tmp_path / "9", 9), InputError, r"accepted\.json")


def test_nothing_of_the_runtimes_is_needed_to_take_a_store_in_hand() -> None:
    """The process that watches over a switch must be small."""
    code = "import sys, edgekit_targets.releases.watchdog; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "onnxruntime", "cryptography", "argparse"} & set(done.stdout.split())
