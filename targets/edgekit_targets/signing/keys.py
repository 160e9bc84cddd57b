"""Public keys: PEM, elliptic curves P-256, P-384 and P-521, named by the SHA-256 of their PEM as model-signing does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit_targets.errors import InputError
from edgekit_targets.extras import require

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurve, EllipticCurvePublicKey

SHORT = 16
"""How many digits of a key's id name its file."""
_MOST_BYTES = 64 * 1024
_HASH_OF = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}
"""The curves of the format, each with its hash (Sigstore's protobuf specifications)."""


@dataclass(frozen=True)
class PublicKey:
    """A key that signatures can be verified with."""

    id: str
    """SHA-256 of ``pem``, in hexadecimal."""
    pem: bytes = field(repr=False)
    key: EllipticCurvePublicKey = field(repr=False, compare=False)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the owner of the private key made ``signature`` over ``message``."""
        from cryptography.exceptions import InvalidSignature

        try:
            self.key.verify(signature, message, algorithm_of(self.key.curve))
        except InvalidSignature:
            return False
        return True


def algorithm_of(curve: EllipticCurve) -> ECDSA:
    """The signature algorithm that the format prescribes for a curve."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    return ECDSA(getattr(hashes, _HASH_OF[curve.name])())


def parse_public_key(content: bytes, where: str) -> PublicKey:
    """Read a public key in PEM.

    Raises:
        InputError: no public key, or of another kind; the message begins with ``where``.
        MissingExtra: ``cryptography`` is not installed.
    """
    require("cryptography")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PRIVATE KEY" in content:
        raise InputError(f"{where} is a private key, which stays with you; pass the .pub beside it")
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{where} is no public key in PEM; make one with: edgekit keys new PATH") from error
    return public_key_of(key, where)


def public_key_of(key: object, where: str) -> PublicKey:
    """The record of a key of ``cryptography``'s.

    Raises:
        InputError: it is of another kind; the message begins with ``where``.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in _HASH_OF:
        raise InputError(f"{where} is no key on the curve P-256, P-384 or P-521; make one with: edgekit keys new PATH")
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(hashlib.sha256(pem).hexdigest(), pem, key)


def read_public_key(path: Path) -> PublicKey:
    """Read a ``.pub`` file.

    Raises:
        InputError: unreadable, or as :func:`parse_public_key`.
        MissingExtra: ``cryptography`` is not installed.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; pass the .pub file of a key") from error
    return parse_public_key(content, str(path))
