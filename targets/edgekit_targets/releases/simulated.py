"""Disks that fill, stop and forget: what can go wrong, called for, in tests and on simulated devices.

Everything is done on a real folder by the real :class:`~edgekit_targets.releases.disk.Disk`; here it is only written
down, refused, or taken away again.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from edgekit_targets.releases.disk import Disk

Kind = Literal["make_folder", "create", "append", "sync", "rename", "link", "remove", "remove_folder"]
NEEDS_ROOM: Final[frozenset[Kind]] = frozenset({"make_folder", "create", "append", "link"})
"""What a full disk refuses; renaming, removing and syncing what was written need none."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One change: ``to`` is the new name of what is renamed or the target of a link, ``piece`` what is appended."""

    kind: Kind
    path: Path
    to: str = ""
    piece: bytes = b""


class Stopped(BaseException):
    """The process is killed here, or the power fails: nothing after this is done, no cleaning up either."""


class WatchedDisk(Disk):
    """Tells every operation before it is done. What is told may raise: the operation is then not done."""

    def __init__(self, about: Callable[[Operation], None], *, syncing: bool = True) -> None:
        """Call ``about``; without ``syncing`` the real disk is never waited for, which tests that lose nothing may."""
        self._about = about
        self._syncing = syncing

    def make_folder(self, path: Path) -> None:
        """As the real disk, told before."""
        self._about(Operation(kind="make_folder", path=path))
        super().make_folder(path)

    def create(self, path: Path) -> None:
        """As the real disk, told before."""
        self._about(Operation(kind="create", path=path))
        super().create(path)

    def append(self, path: Path, piece: bytes) -> None:
        """As the real disk, told before."""
        self._about(Operation(kind="append", path=path, piece=piece))
        super().append(path, piece)

    def sync(self, path: Path) -> None:
        """As the real disk, told before."""
        self._about(Operation(kind="sync", path=path))
        if self._syncing:
            super().sync(path)

    def rename(self, old: Path, new: Path) -> None:
        """As the real disk, told before; only ever within a folder, which is what is atomic."""
        if old.parent != new.parent:
            raise AssertionError(f"{old} is renamed to another folder")
        self._about(Operation(kind="rename", path=old, to=new.name))
        super().rename(old, new)

    def link(self, target: str, path: Path) -> None:
        """As the real disk, told before."""
        self._about(Operation(kind="link", path=path, to=target))
        super().link(target, path)

    def remove(self, path: Path) -> None:
        """As the real disk, told before."""
        self._about(Operation(kind="remove", path=path))
        super().remove(path)

    def remove_folder(self, path: Path) -> None:
        """As the real disk, told before."""
        self._about(Operation(kind="remove_folder", path=path))
        super().remove_folder(path)


@dataclass
class Trouble:
    """What meets the operations of a :class:`WatchedDisk`, which are counted from 0.

    ``stop_at`` raises :class:`Stopped` before that operation and, the process being gone, before all later ones.
    ``fail_at`` refuses that operation with ``error``; ``full_from`` refuses all that need room from that one on.
    """

    stop_at: int | None = None
    fail_at: int | None = None
    full_from: int | None = None
    error: int = 5
    done: list[Operation] = field(default_factory=list)

    def __call__(self, operation: Operation) -> None:
        """Let it be done, or not."""
        number = len(self.done)
        if self.stop_at is not None and number >= self.stop_at:
            raise Stopped
        self.done.append(operation)
        if number == self.fail_at:
            raise OSError(self.error, os.strerror(self.error), str(operation.path))
        if self.full_from is not None and number >= self.full_from and operation.kind in NEEDS_ROOM:
            raise OSError(28, os.strerror(28), str(operation.path))


Tree: TypeAlias = "dict[str, Tree | bytes | str]"
"""What lies in a folder: folders, the content of files, the targets of links."""


def read_tree(folder: Path) -> Tree:
    """What lies in a real folder."""
    tree: Tree = {}
    for entry in os.scandir(folder):
        path = folder / entry.name
        if entry.is_symlink():
            tree[entry.name] = str(path.readlink())
        else:
            tree[entry.name] = read_tree(path) if entry.is_dir() else path.read_bytes()
    return tree


def write_tree(tree: Tree, folder: Path) -> None:
    """Make a real folder hold exactly that; it is emptied before."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _write(tree, folder)


def freeze(tree: Tree) -> tuple[object, ...]:
    """The same as a value that can be compared and hashed."""
    return tuple((name, freeze(node) if isinstance(node, dict) else node) for name, node in sorted(tree.items()))


def survivors(before: Tree, folder: Path, operations: Sequence[Operation]) -> Iterator[Tree]:
    """Every tree that a power failure may leave after these operations, of what was safe in ``folder`` before them.

    Any of the changes to the names in a folder that came after its last sync may be lost, whatever their order, each as
    a whole; of what was written to a file after its last sync all, nothing or half may be there, or zeros. That is more
    than any one file system loses. (The model is that of Pillai et al., OSDI 2014, section 3, with atomic renames.) The
    first tree is the one where nothing is lost; a tree may come more than once.
    """
    root = _folder_of(before)
    for operation in operations:
        _replay(root, operation, folder)
    yield from _outcomes_of_folder(root)


@dataclass(eq=False)
class _File:
    safe: bytes
    now: bytes


@dataclass(eq=False)
class _Folder:
    safe: dict[str, _Node]
    later: list[dict[str, _Node | None]] = field(default_factory=list)

    def now(self) -> dict[str, _Node]:
        return _applied(self.safe, self.later)


_Node: TypeAlias = "_File | _Folder | str"


def _folder_of(tree: Tree) -> _Folder:
    return _Folder({name: _node_of(node) for name, node in tree.items()})


def _node_of(node: Tree | bytes | str) -> _Node:
    if isinstance(node, dict):
        return _folder_of(node)
    return _File(node, node) if isinstance(node, bytes) else node


def _applied(safe: dict[str, _Node], changes: Sequence[dict[str, _Node | None]]) -> dict[str, _Node]:
    names: dict[str, _Node | None] = dict(safe)
    for change in changes:
        names.update(change)
    return {name: node for name, node in names.items() if node is not None}


def _replay(root: _Folder, operation: Operation, folder: Path) -> None:
    parts = operation.path.relative_to(folder).parts
    if not parts:
        root.safe, root.later = root.now(), []
        return
    parent = root
    for part in parts[:-1]:
        inner = parent.now()[part]
        assert isinstance(inner, _Folder)
        parent = inner
    name = parts[-1]
    found = parent.now().get(name)
    if operation.kind == "append":
        assert isinstance(found, _File)
        found.now += operation.piece
    elif operation.kind == "sync" and isinstance(found, _Folder):
        found.safe, found.later = found.now(), []
    elif operation.kind == "sync":
        assert isinstance(found, _File)
        found.safe = found.now
    else:
        parent.later.append(_change(operation, name, found))


def _change(operation: Operation, name: str, found: _Node | None) -> dict[str, _Node | None]:
    """What an operation does to the names in its folder."""
    if operation.kind == "rename":
        assert found is not None
        return {name: None, operation.to: found}
    if operation.kind in ("remove", "remove_folder"):
        return {name: None}
    made: dict[str, _Node] = {"make_folder": _Folder({}), "create": _File(b"", b""), "link": operation.to}
    return {name: made[operation.kind]}


def _outcomes(node: _Node) -> Iterator[Tree | bytes | str]:
    if isinstance(node, _Folder):
        yield from _outcomes_of_folder(node)
    elif isinstance(node, _File):
        added = node.now[len(node.safe) :]
        yield node.now
        if added:
            yield node.safe
            yield node.safe + added[: len(added) // 2]
            yield node.safe + bytes(len(added))
    else:
        yield node


def _outcomes_of_folder(folder: _Folder) -> Iterator[Tree]:
    for kept in itertools.product((True, False), repeat=len(folder.later)):
        names = _applied(folder.safe, [change for change, keep in zip(folder.later, kept, strict=True) if keep])
        for nodes in itertools.product(*(list(_outcomes(node)) for node in names.values())):
            yield dict(zip(names, nodes, strict=True))


def _write(tree: Tree, folder: Path) -> None:
    for name, node in tree.items():
        if isinstance(node, dict):
            (folder / name).mkdir()
            _write(node, folder / name)
        elif isinstance(node, bytes):
            (folder / name).write_bytes(node)
        else:
            (folder / name).symlink_to(node)
