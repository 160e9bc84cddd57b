"""Writing files so that a reader never sees half of one, and hashing them."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgekit_targets.errors import InputError, WriteFailed

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""What the disk may answer; any other error inside a staged folder is a bug of whoever fills it."""


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write to a temporary name beside ``path``, flush to disk, rename over it, flush the folder.

    Raises:
        InputError: the folder cannot be written or the disk is full; nothing is left behind.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary: str | None = None
    try:
        missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
        for folder in (path.parent, *(made.parent for made in missing)):
            _flush(folder)
    except OSError as error:
        raise WriteFailed(f"cannot write {path}: {error.strerror}; choose another folder or free some space") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink(missing_ok=True)


def _flush(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; Windows opens no folders, and keeps names in a journal."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal, read in pieces.

    Raises:
        InputError: the file is missing or unreadable.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    return digest.hexdigest()


@contextlib.contextmanager
def staged_folder(out: Path, *, force: bool | None, marker: str, option: str = "--out") -> Iterator[Path]:
    """Build a folder beside ``out`` and give it that name only when everything in it is complete.

    ``force`` replaces an existing folder, but only one that holds ``marker`` (one of ours) or nothing at all: an option
    that can delete a home directory is a trap. Null where the command cannot replace one. ``option`` is what ``out``
    was given by, for the messages.

    Raises:
        InputError: ``out`` exists, is a file, or cannot be written. Nothing is left behind.
    """
    check_free(out, force=force, marker=marker, option=option)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.", suffix=".tmp"))
    except OSError as error:
        raise InputError(f"{option} {out} cannot be written: {error.strerror}; choose another folder") from error
    try:
        yield stage
        stage.chmod(0o755)
        # Somebody else may have made it meanwhile: two runs at once must not replace each other.
        _check_free(out, force, marker, option)
        _swap_in(stage, out)
    except OSError as error:
        if error.errno not in _DISK:
            raise
        raise WriteFailed(
            f"{option} {out} cannot be written: {error.strerror}; free some space or choose another"
        ) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def check_free(out: Path, *, force: bool | None, marker: str, option: str = "--out") -> None:
    """Refuse an output folder that is taken, before any long work starts.

    Raises:
        InputError: as :func:`staged_folder`.
    """
    try:
        _check_free(out, force, marker, option)
    except OSError as error:
        raise InputError(f"{option} {out} cannot be used: {error.strerror}; choose another folder") from error


def _swap_in(stage: Path, out: Path) -> None:
    """Give ``stage`` the name ``out``; what had it before comes back if that fails."""
    if not out.exists():
        stage.replace(out)
        return
    old = stage.with_suffix(".old")
    out.replace(old)
    try:
        stage.replace(out)
    except OSError:
        old.replace(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _check_free(out: Path, force: bool | None, marker: str, option: str) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise InputError(f"{option} {out} is a file; choose a folder that does not exist yet")
    if out.exists():
        if not force:
            replace = "" if force is None else " or replace it with --force"
            raise InputError(f"{option} {out} exists already; choose another folder{replace}")
        if not (out / marker).exists() and any(out.iterdir()):
            raise InputError(f"{option} {out} holds something that edgekit did not write; choose another folder")
    parent = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    if not parent.is_dir():
        raise InputError(f"{option} {out} lies below {parent}, which is a file; choose another folder")
    if not os.access(parent, os.W_OK):
        raise InputError(f"{option} {out} cannot be written: no permission in {parent}; choose another folder")
