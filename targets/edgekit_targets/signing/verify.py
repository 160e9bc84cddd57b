"""Is this folder what the owner of a trusted key signed, every file of it and nothing else?

The folder may come from anyone. Nothing in it is followed, unpacked or opened by a name that it gives itself: the names
are those of the release format, each is opened once below the folder's own descriptor, and what was opened is looked
at, so a file that is swapped meanwhile is either refused or hashed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.releases.format import FOLDERS, MOST_BYTES, SIGNATURE, SIGNED
from edgekit_targets.signing.envelope import Envelope, parse_envelope, signed_bytes
from edgekit_targets.signing.keys import SHORT, PublicKey
from edgekit_targets.signing.statement import parse_statement

_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_PIECE = 1 << 18


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Who signed a folder, and what: ``digests`` has the SHA-256 of every file but the signature, as it lies there."""

    key: str
    """Id of the key."""
    digests: dict[str, str]


def verify_folder(folder: Path, keys: Sequence[PublicKey], revoked: Sequence[PublicKey] = ()) -> Signer:
    """Check that a release is whole and signed; hashes every file.

    Args:
        folder: the release.
        keys: those that are trusted.
        revoked: those that are not, even where they are trusted too.

    Raises:
        InputError: there is no such folder, or it cannot be read.
        CheckFailed: a file is missing, too many, renamed, altered, a link, something else than a file or absurdly
            large; the signature is damaged, over other files, or by a key that is unknown or revoked. One line.
        MissingExtra: ``cryptography`` is not installed.
    """
    try:
        with _opened(folder) as root:
            _check_names(folder, root)
            signature = b"".join(_pieces(folder, root, SIGNATURE))
            envelope = parse_envelope(signature, str(folder / SIGNATURE))
            key = _signer(envelope, keys, revoked, folder / SIGNATURE)
            signed = parse_statement(envelope.payload, str(folder / SIGNATURE))
            _check_signed_names(signed, folder / SIGNATURE)
            for name in SIGNED:
                if _hash(folder, root, name) != signed[name]:
                    raise CheckFailed(
                        f"{folder / name} is not the file that was signed (other SHA-256); it was altered or damaged: "
                        "copy the release again"
                    )
    except OSError as error:
        raise InputError(f"cannot read {error.filename or folder}: {error.strerror}; name a release folder") from error
    return Signer(key=key.id, digests=signed)


def hash_folder(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file to be signed, by its name.

    Raises:
        InputError: as :func:`verify_folder`.
        CheckFailed: something else than the files of a release is there, or one is missing.
    """
    try:
        with _opened(folder) as root:
            _check_names(folder, root, optional=(SIGNATURE,))
            return {name: _hash(folder, root, name) for name in SIGNED}
    except OSError as error:
        raise InputError(f"cannot read {error.filename or folder}: {error.strerror}; name a release folder") from error


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _check_names(folder: Path, root: int, optional: Sequence[str] = ()) -> None:
    """Hold what lies there against what must: the cheap half, before anything is read."""
    found = {}
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.name not in FOLDERS:
                found[entry.name] = entry.stat(follow_symlinks=False)
                _check_known(folder, entry.name)
                continue
            if not entry.is_dir(follow_symlinks=False):
                raise CheckFailed(f"{folder / entry.name} is no folder but {_kind(entry.stat(follow_symlinks=False))}")
            inner = os.open(entry.name, _OPEN | os.O_DIRECTORY, dir_fd=root)
            try:
                with os.scandir(inner) as inside:
                    for one in inside:
                        found[f"{entry.name}/{one.name}"] = one.stat(follow_symlinks=False)
                        _check_known(folder, f"{entry.name}/{one.name}")
            finally:
                os.close(inner)
    for name in MOST_BYTES:
        if name in found:
            _check_file(folder, name, found[name])
        elif name not in optional:
            raise CheckFailed(f"{folder / name} is missing from the release; copy it again")


def _check_known(folder: Path, name: str) -> None:
    if name not in MOST_BYTES:
        raise CheckFailed(
            f"{folder} holds {name[:80]!a}, which is no part of a release; it was added or renamed: copy it again"
        )


def _check_file(folder: Path, name: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise CheckFailed(f"{folder / name} is {_kind(found)}, where a release holds files only; copy it again")
    if found.st_nlink != 1:
        raise CheckFailed(
            f"{folder / name} is a hard link ({found.st_nlink} names for one file), so it can change from elsewhere; "
            "copy the release as real files"
        )
    if found.st_size > MOST_BYTES[name]:
        raise CheckFailed(f"{folder / name} holds {found.st_size} bytes; a release's holds at most {MOST_BYTES[name]}")


def _kind(found: os.stat_result) -> str:
    mode = found.st_mode
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    return "a folder" if stat.S_ISDIR(mode) else "a file" if stat.S_ISREG(mode) else "a device, pipe or socket"


def _pieces(folder: Path, root: int, name: str) -> Iterator[bytes]:
    """Read a file below the folder, holding the very file that is read against what it must be."""
    above, _, last = name.rpartition("/")
    inner = os.open(above, _OPEN | os.O_DIRECTORY, dir_fd=root) if above else root
    try:
        descriptor = os.open(last, _OPEN, dir_fd=inner)
    finally:
        if above:
            os.close(inner)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        _check_file(folder, name, os.fstat(descriptor))
        left = MOST_BYTES[name]
        while piece := file.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise CheckFailed(f"{folder / name} grows while it is read; nothing else may write there")
            yield piece


def _hash(folder: Path, root: int, name: str) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(folder, root, name):
        digest.update(piece)
    return digest.hexdigest()


def _signer(envelope: Envelope, keys: Sequence[PublicKey], revoked: Sequence[PublicKey], path: Path) -> PublicKey:
    """The key that made the signature. The hint only says which to try, where it is given."""
    asked = [key for key in (*revoked, *keys) if envelope.hint in (None, "", key.id)]
    message = signed_bytes(envelope.payload)
    key = next((key for key in asked if key.verifies(envelope.signature, message)), None)
    named = (envelope.hint or "unknown")[:SHORT]
    if key is None:
        if asked and envelope.hint:
            raise CheckFailed(f"{path} does not verify with key {named}; the release was altered: copy it again")
        raise CheckFailed(
            f"{path} is signed by a key that is not trusted here ({named!a}); trust it with edgekit keys "
            "trust, or sign with a key that is"
        )
    if any(key.id == one.id for one in revoked):
        raise CheckFailed(f"{path} is signed by key {key.id[:SHORT]}, which is revoked; sign the release with another")
    return key


def _check_signed_names(signed: Mapping[str, str], path: Path) -> None:
    for name in signed:
        if name not in SIGNED:
            raise CheckFailed(f"{path} is over other files ({name[:80]!a} is no part of a release); sign this one")
    for name in SIGNED:
        if name not in signed:
            raise CheckFailed(f"{path} is over other files ({name} is not among them); sign this release")
