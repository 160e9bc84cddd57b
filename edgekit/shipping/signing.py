"""The signer's half of the model-signing format: key pairs, and the signature over a release."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit_targets.errors import InputError, WriteFailed
from edgekit_targets.extras import require
from edgekit_targets.files import write_atomic
from edgekit_targets.releases.format import SIGNATURE
from edgekit_targets.signing.envelope import Envelope, dump_envelope, signed_bytes
from edgekit_targets.signing.keys import PublicKey, algorithm_of, public_key_of
from edgekit_targets.signing.statement import make_statement
from edgekit_targets.signing.verify import hash_folder

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

PASSPHRASE = "EDGEKIT_KEY_PASSPHRASE"  # noqa: S105 - the name of the variable
"""The environment variable that opens an encrypted key."""
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class PrivateKey:
    """A key to sign with, and the public half of it."""

    public: PublicKey
    key: EllipticCurvePrivateKey = field(repr=False)


def new_pair(path: Path) -> tuple[Path, Path, PublicKey]:
    """Make a key pair on the curve P-256: ``PATH.key`` for its owner alone (mode 0600), and ``PATH.pub``.

    Raises:
        InputError: one of them is there already, or the folder cannot be written; nothing is left behind.
        MissingExtra: ``cryptography`` is not installed.
    """
    require("cryptography")
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pair = path.with_name(f"{path.name}.key"), path.with_name(f"{path.name}.pub")
    key = ec.generate_private_key(ec.SECP256R1())
    public = public_key_of(key.public_key(), str(pair[1]))
    made: list[Path] = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for file, content, mode in (
            (pair[0], key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600),
            (pair[1], public.pem, 0o644),
        ):
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            made.append(file)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
    except OSError as error:
        for file in made:
            with contextlib.suppress(OSError):
                file.unlink()
        if error.errno == errno.EEXIST:
            raise InputError(
                f"{error.filename} exists already; a key is never overwritten: choose another PATH"
            ) from error
        raise WriteFailed(f"cannot write {error.filename or path}: {error.strerror}; choose another PATH") from error
    return *pair, public


def read_private_key(path: Path) -> PrivateKey:
    """Read a ``.key`` file: PEM, a curve of the format; an encrypted one is opened with ``EDGEKIT_KEY_PASSPHRASE``.

    Raises:
        InputError: unreadable, no private key, of another kind, or encrypted and not opened.
        MissingExtra: ``cryptography`` is not installed.
    """
    require("cryptography")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
    except OSError as error:
        raise InputError(
            f"--key {path} cannot be read: {error.strerror}; make one with: edgekit keys new PATH"
        ) from error
    passphrase = os.environ.get(PASSPHRASE) if b"ENCRYPTED" in content else None
    try:
        key = load_pem_private_key(content, None if passphrase is None else passphrase.encode())
    except TypeError as error:
        raise InputError(f"--key {path} is encrypted; put its passphrase into the variable {PASSPHRASE}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        what = f"does not open with {PASSPHRASE}" if passphrase is not None else "is no private key in PEM"
        raise InputError(f"--key {path} {what}; make one with: edgekit keys new PATH") from error
    if not isinstance(key, EllipticCurvePrivateKey):
        raise InputError(f"--key {path} is no key on an elliptic curve; make one with: edgekit keys new PATH")
    return PrivateKey(public_key_of(key.public_key(), f"--key {path}"), key)


def others_can_read(path: Path) -> bool:
    """Whether the file's permissions let others than its owner read or write it; Windows keeps none of that kind."""
    return os.name != "nt" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def sign_folder(folder: Path, key: PrivateKey, name: str) -> None:
    """Write ``model.sig`` over every other file of a release.

    Raises:
        InputError: the folder cannot be read or written.
        CheckFailed: something else than the files of a release is there, or one is missing.
    """
    payload = make_statement(name, hash_folder(folder), SIGNATURE)
    signature = key.key.sign(signed_bytes(payload), algorithm_of(key.key.curve))
    envelope = Envelope(payload=payload, signature=signature, hint=key.public.id)
    write_atomic(folder / SIGNATURE, dump_envelope(envelope))
