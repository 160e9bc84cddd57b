"""The keys that a device trusts: ``<root>/keys/trusted/<16 digits>.pub`` and, for good, ``<root>/keys/revoked/``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgekit_targets.errors import InputError
from edgekit_targets.files import write_atomic
from edgekit_targets.signing.keys import SHORT, PublicKey, read_public_key

FOLDER = "keys"
TRUSTED, REVOKED = "trusted", "revoked"


@dataclass(frozen=True)
class KeyRing:
    """Keys of a device; one that is in both lists is revoked."""

    trusted: tuple[PublicKey, ...]
    revoked: tuple[PublicKey, ...] = ()


def read_ring(root: Path) -> KeyRing:
    """The keys below ``root``; none where there is no such folder.

    Raises:
        InputError: a file there is no public key, or lies under another name than its own.
        MissingExtra: ``cryptography`` is not installed.
    """
    return KeyRing(_read(root / FOLDER / TRUSTED), _read(root / FOLDER / REVOKED))


def trust(root: Path, key: PublicKey) -> None:
    """Let releases signed by this key in.

    Raises:
        InputError: it was revoked, or the folder cannot be written.
    """
    if root.joinpath(*file_of(REVOKED, key)).exists():
        raise InputError(revoked_error(key))
    write_atomic(root.joinpath(*file_of(TRUSTED, key)), key.pem)


def revoke(root: Path, key: PublicKey) -> None:
    """Refuse whatever this key signs, from now on.

    Raises:
        InputError: the folder cannot be written.
    """
    write_atomic(root.joinpath(*file_of(REVOKED, key)), key.pem)


def file_of(kind: str, key: PublicKey) -> tuple[str, ...]:
    """Where a key of a list (``trusted`` or ``revoked``) lies, below the root."""
    return FOLDER, kind, f"{key.id[:SHORT]}.pub"


def revoked_error(key: PublicKey) -> str:
    """Why a revoked key is not trusted again."""
    return f"key {key.id[:SHORT]} was revoked there, which is for good; make another with: edgekit keys new PATH"


def _read(folder: Path) -> tuple[PublicKey, ...]:
    found = []
    for path in sorted(folder.glob("*.pub")):
        key = read_public_key(path)
        if path.stem != key.id[:SHORT]:
            raise InputError(
                f"{path} holds key {key.id[:SHORT]}; it was put there by hand: remove it and trust it anew"
            )
        found.append(key)
    return tuple(found)
