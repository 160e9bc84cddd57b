"""The model of a power failure, on cases that can be thought through."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit_targets.errors import CheckFailed
from edgekit_targets.releases.disk import Disk, copy_tree, remove_tree
from edgekit_targets.releases.simulated import (
    Stopped,
    Tree,
    Trouble,
    WatchedDisk,
    freeze,
    read_tree,
    survivors,
    write_tree,
)


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
def disk(trouble: Trouble) -> Disk:
    return WatchedDisk(trouble)


def after(before: Tree, folder: Path, trouble: Trouble) -> list[Tree]:
    found = {freeze(tree): tree for tree in survivors(before, folder, trouble.done)}
    return list(found.values())


def test_what_was_not_synced_may_be_lost_in_any_order(tmp_path: Path, disk: Disk, trouble: Trouble) -> None:
    disk.create(tmp_path / "a")
    disk.append(tmp_path / "a", b"1234")
    disk.make_folder(tmp_path / "b")
    found = after({}, tmp_path, trouble)
    contents: list[Tree] = [{}, {"a": b"1234"}, {"a": b""}, {"a": b"12"}, {"a": bytes(4)}]
    assert len(found) == 10
    assert all(one in found and {**one, "b": {}} in found for one in contents)


def test_syncing_a_file_keeps_its_content_and_not_its_name(tmp_path: Path, disk: Disk, trouble: Trouble) -> None:
    disk.create(tmp_path / "a")
    disk.append(tmp_path / "a", b"1234")
    disk.sync(tmp_path / "a")
    assert after({}, tmp_path, trouble) == [{"a": b"1234"}, {}]
    disk.sync(tmp_path)
    assert after({}, tmp_path, trouble) == [{"a": b"1234"}]


def test_a_rename_is_atomic_and_not_ordered_with_the_content(tmp_path: Path, disk: Disk, trouble: Trouble) -> None:
    (tmp_path / "a").write_bytes(b"old")
    before = read_tree(tmp_path)
    disk.create(tmp_path / "b")
    disk.append(tmp_path / "b", b"new")
    disk.rename(tmp_path / "b", tmp_path / "a")
    found = after(before, tmp_path, trouble)
    assert {"a": b"new"} in found
    assert {"a": b"old"} in found
    assert {"a": b""} in found, "the file that has lost its content"
    assert {} not in found
    with pytest.raises(AssertionError, match="another folder"):
        disk.rename(tmp_path / "a", tmp_path.parent / "a")


def test_removing_may_be_lost_too(tmp_path: Path, disk: Disk, trouble: Trouble) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "x").write_bytes(b"x")
    disk.link("f/x", tmp_path / "l")
    before = read_tree(tmp_path)
    trouble.done.clear()
    remove_tree(disk, tmp_path / "f")
    disk.remove(tmp_path / "l")
    assert read_tree(tmp_path) == {}
    found = after(before, tmp_path, trouble)
    assert {"f": {}, "l": "f/x"} in found
    assert before in found
    assert len(found) == 6
    write_tree(before, tmp_path)
    assert read_tree(tmp_path) == before


def test_trouble_comes_when_it_is_called_for(tmp_path: Path) -> None:
    stopping = WatchedDisk(Trouble(stop_at=1))
    stopping.create(tmp_path / "a")
    for _ in range(2):
        with pytest.raises(Stopped):
            stopping.remove(tmp_path / "a")
    full = WatchedDisk(Trouble(full_from=0))
    with pytest.raises(OSError, match="No space left on device"):
        full.append(tmp_path / "a", b"1")
    full.remove(tmp_path / "a")
    failing = WatchedDisk(Trouble(fail_at=0))
    with pytest.raises(OSError, match="Input/output error"):
        failing.create(tmp_path / "a")
    failing.create(tmp_path / "a")


def test_copying_follows_no_link_and_opens_no_pipe(tmp_path: Path) -> None:
    import os

    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_bytes(b"a" * (3 << 20))
    copy_tree(Disk(), source, tmp_path / "copy")
    assert read_tree(tmp_path / "copy") == read_tree(source)
    (source / "z").symlink_to("a")
    with pytest.raises(CheckFailed, match="a release holds plain files only"):
        copy_tree(Disk(), source, tmp_path / "copy2")
    (source / "z").unlink()
    os.mkfifo(source / "z")
    with pytest.raises(CheckFailed, match="no plain file"):
        copy_tree(Disk(), source, tmp_path / "copy3")
