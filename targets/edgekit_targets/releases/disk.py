"""Every change that the release store makes to a disk, one small method each.

One door, so that tests can write down what is asked of a disk, stop after any of it, let it be full, and take away
what was not synced (:mod:`edgekit_targets.releases.simulated`). Reading needs no door.

What is relied on of a file system: ``rename`` within one folder is atomic, also over an existing name; what was synced
stays. Nothing is assumed of the order in which the rest reaches the disk. ext4, XFS, Btrfs and F2FS are such; FAT is
not, and has no symbolic links either. (Pillai et al., OSDI 2014, tell what file systems do after a crash.)
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from edgekit_targets.errors import CheckFailed

_PIECE = 1 << 20


class Disk:
    """The real one. Every method raises :class:`OSError` where the system refuses."""

    def make_folder(self, path: Path) -> None:
        """A new, empty folder."""
        path.mkdir(mode=0o755)

    def create(self, path: Path) -> None:
        """A new, empty file; whatever has that name already is an error, a link too."""
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))

    def append(self, path: Path, piece: bytes) -> None:
        """Write at the end of a file."""
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            left = memoryview(piece)
            while left:
                left = left[os.write(descriptor, left) :]
        finally:
            os.close(descriptor)

    def sync(self, path: Path) -> None:
        """Wait until a file's content, or the names in a folder, are on the disk."""
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file, link or folder another name in the same folder, over whatever file or link has it."""
        old.replace(new)

    def link(self, target: str, path: Path) -> None:
        """A new symbolic link."""
        path.symlink_to(target)

    def remove(self, path: Path) -> None:
        """Remove a file or a link."""
        path.unlink()

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder."""
        path.rmdir()


def write_file(disk: Disk, path: Path, content: bytes) -> None:
    """A new file with this content, on the disk; its name is not until the folder is synced."""
    disk.create(path)
    disk.append(path, content)
    disk.sync(path)


def copy_tree(disk: Disk, source: Path, target: Path) -> None:
    """A new folder with copies of the plain files in ``source`` and below, all on the disk but its own name.

    Raises:
        CheckFailed: something else than a plain file or folder lies there; a link is never followed.
        OSError: what the disk answers.
    """
    disk.make_folder(target)
    for entry in sorted(os.scandir(source), key=lambda one: one.name):
        if entry.is_dir(follow_symlinks=False):
            copy_tree(disk, source / entry.name, target / entry.name)
        else:
            _copy_file(disk, source / entry.name, target / entry.name)
    disk.sync(target)


def remove_tree(disk: Disk, path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it; a link is never followed."""
    if path.is_symlink() or not path.is_dir():
        disk.remove(path)
        return
    for entry in sorted(os.scandir(path), key=lambda one: one.name):
        remove_tree(disk, path / entry.name)
    disk.remove_folder(path)


def _copy_file(disk: Disk, source: Path, target: Path) -> None:
    try:
        # Opening a pipe would wait for its other end.
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise CheckFailed(f"{source} is not taken in: {error.strerror}; a release holds plain files only") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise CheckFailed(f"{source} is no plain file; a release holds plain files only")
        disk.create(target)
        while piece := os.read(descriptor, _PIECE):
            disk.append(target, piece)
    finally:
        os.close(descriptor)
    disk.sync(target)
