"""What an application sees: the current release, verified, and a switch."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.releases import loader as loading
from edgekit_targets.releases import store as stores
from edgekit_targets.releases.boot import ScriptedBoot
from edgekit_targets.releases.format import Session
from edgekit_targets.releases.install import install, rollback
from edgekit_targets.releases.loader import Loaded, Loader
from edgekit_targets.releases.simulated import read_tree
from edgekit_targets.releases.store import Store
from edgekit_targets.signing.ring import revoke
from edgekit_targets.types.session import SessionOptions
from tests.targets.releases.bench import steps, store_at
from tests.targets.releases.conftest import Owner

Make = Callable[..., Path]


@pytest.fixture
def store(root: Path, owner: Owner, make_release: Make) -> Store:
    store = store_at(root)
    install(make_release(1), store, steps(owner.public))
    return store


def test_it_answers_and_notices_a_switch(root: Path, store: Store, owner: Owner, make_release: Make) -> None:
    loader = Loader(root=root)
    model = loader.load()
    assert (model.id, model.release.counter) == (store.current(), 1)
    x = np.ones((1, 6), np.float32)
    model.session.bind({"x": x})
    np.testing.assert_allclose(model.session.read()["y"], [[16.0, 22.0, 28.0, 34.0]])
    assert not loader.switched()
    install(make_release(2), store, steps(owner.public))
    assert loader.switched()
    assert loader.load().release.counter == 2
    assert not loader.switched()
    rollback(store, steps(owner.public))
    assert loader.load().release.counter == 1
    model.session.close()


def test_what_was_changed_on_the_disk_is_not_opened(root: Path, store: Store) -> None:
    model = store.folder / "current" / "model.onnx"
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    with pytest.raises(CheckFailed, match=r"model\.onnx is not the file that was signed"):
        Loader(root=root).load()


@pytest.fixture
def other(make_release: Make, tmp_path: Path) -> Path:
    """A file that a runtime would take as well: the same model with other weights."""
    content = (make_release(3) / "model.onnx").read_bytes()
    one, two = np.float32(1).tobytes(), np.float32(2).tobytes()
    assert one in content
    (tmp_path / "other.onnx").write_bytes(content.replace(one, two))
    return tmp_path / "other.onnx"


def meanwhile(monkeypatch: pytest.MonkeyPatch, where: object, name: str, happens: Callable[[], object]) -> None:
    """Let something happen just before a function is called."""
    real = getattr(where, name)

    def called(*arguments: Any) -> Any:
        happens()
        return real(*arguments)

    monkeypatch.setattr(where, name, called)


def answer(model: Loaded, rows: int) -> list[list[float]]:
    model.session.bind({"x": np.ones((rows, 6), np.float32)})
    return model.session.read()["y"].tolist()  # type: ignore[no-any-return]


def test_what_is_swapped_later_is_not_what_the_runtime_gets(root: Path, store: Store, other: Path) -> None:
    model = Loader(root=root).load()
    other.replace((store.folder / "current" / "model.onnx").resolve())
    right = [16.0, 22.0, 28.0, 34.0]
    assert answer(model, 1) == [right]
    assert answer(model, 2) == [right, right]  # another shape: the file is opened once more
    with pytest.raises(CheckFailed, match=r"model\.onnx is not the file that was signed"):
        Loader(root=root).load()


@pytest.mark.parametrize("moment", ["HeldModel", "_session"])
@pytest.mark.parametrize("swap", [shutil.copyfile, os.replace])
def test_what_is_swapped_once_it_was_verified_is_not_opened(
    root: Path, store: Store, other: Path, monkeypatch: pytest.MonkeyPatch, moment: str, swap: Callable[..., object]
) -> None:
    """By writing into the file, and by giving another its name; before its descriptor is held, and after."""
    named = (store.folder / "current" / "model.onnx").resolve()
    meanwhile(monkeypatch, loading, moment, lambda: swap(other, named))
    with pytest.raises(CheckFailed, match=rf"{named} changed while it was opened"):
        Loader(root=root).load()


def test_openvino_takes_it_too(root: Path, store: Store, owner: Owner, make_release: Make) -> None:
    session = Session(
        target="openvino",
        options=SessionOptions(),
        batch=1,
        length=1,
        shapes={"x": (1, 6)},
        runtime_version=None,
    )
    install(make_release(2, session=session), store, steps(owner.public))
    assert answer(Loader(root=root).load(), 2) == [[16.0, 22.0, 28.0, 34.0]] * 2


def test_a_refusal_of_the_runtime_names_the_file_and_nothing_is_left_open(
    root: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = (store.folder / "current" / "model.onnx").resolve()

    def refuse(path: Path, release: object) -> None:
        raise InputError(f"{path} cannot be loaded")

    held = opened_files()
    with monkeypatch.context() as patched:
        patched.setattr(loading, "_session", refuse)
        with pytest.raises(InputError, match=rf"^{named} cannot be loaded$"):
            Loader(root=root).load()
    assert opened_files() == held
    model = Loader(root=root).load()
    assert named in opened_files()
    del model
    gc.collect()
    assert named not in opened_files()


def opened_files() -> set[Path]:
    found = set()
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(one.readlink())
    return found


def test_a_release_that_a_restart_left_unconfirmed_is_not_opened(
    root: Path, owner: Owner, make_release: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a power failure: the link names it still, and nobody has gone back yet."""
    boot, mine = ScriptedBoot(), steps(owner.public)
    monkeypatch.setattr(stores, "RealBoot", lambda: boot)
    store = store_at(root, boot=boot)
    first = install(make_release(1), store, mine).release
    loader = Loader(root=root)
    assert loader.load().id == first
    second = install(make_release(2), store, mine, confirm_within=60.0).release
    assert loader.switched()
    assert loader.load().id == second  # it is to be tried
    before = read_tree(root)
    boot.restart()
    assert store.current() == second
    loader = Loader(root=root)  # of an application that was started since
    assert loader.load().id == first
    assert not loader.switched()
    assert read_tree(root) == before
    with store.locked():
        assert store.recover() == second
    assert not loader.switched()
    install(make_release(2), store, mine, confirm_within=60.0)
    assert loader.load().id == second
    boot.advance(60.0)  # the process that watches is gone too
    assert loader.load().id == first
    confirmed = install(make_release(2), store, mine).release
    boot.restart()
    assert loader.load().id == confirmed == second


def test_the_first_release_unconfirmed_is_none(
    root: Path, owner: Owner, make_release: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = ScriptedBoot()
    monkeypatch.setattr(stores, "RealBoot", lambda: boot)
    install(make_release(1), store_at(root, boot=boot), steps(owner.public), confirm_within=60.0)
    assert Loader(root=root).load().release.counter == 1
    boot.restart()
    with pytest.raises(InputError, match="no current release; install one"):
        Loader(root=root).load()


def test_a_damaged_note_tells_nothing(root: Path, store: Store) -> None:
    (store.folder / "accepted.json").write_text("{")
    assert Loader(root=root).load().release.counter == 1


def test_while_somebody_is_at_work_on_a_switch_it_is_opened(
    root: Path, store: Store, owner: Owner, make_release: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "RealBoot", lambda: store.boot)
    found = []
    mine = steps(owner.public, health=lambda folder, release: found.append(Loader(root=root).load().release.counter))
    install(make_release(2), store, mine)
    assert found == [2]


def test_a_revoked_key_opens_nothing_any_more(root: Path, store: Store, owner: Owner) -> None:
    revoke(root, owner.public)
    with pytest.raises(CheckFailed, match="revoked"):
        Loader(root=root).load()


def test_a_whole_release_of_another_model_or_too_old_is_refused(root: Path, store: Store) -> None:
    with pytest.raises(CheckFailed, match="counter 1; this application takes 2 on"):
        Loader(root=root, least_counter=2).load()
    (root / "models/other/releases").mkdir(parents=True)
    current = store.current()
    assert current is not None
    store.path(current).rename(root / "models/other/releases" / current)
    (root / "models/other/current").symlink_to(f"releases/{current}")
    with pytest.raises(CheckFailed, match="is a release of model, not of other"):
        Loader("other", root).load()


def test_without_a_current_release(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no current release; install one"):
        Loader(root=tmp_path).load()


def test_a_link_that_leads_elsewhere_is_not_followed(root: Path, store: Store, tmp_path: Path) -> None:
    link = store.folder / "current"
    link.unlink()
    link.symlink_to(tmp_path)
    with pytest.raises(InputError, match="which is no release"):
        Loader(root=root).load()
