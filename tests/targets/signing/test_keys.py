from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from edgekit_targets.errors import InputError
from edgekit_targets.files import write_atomic
from edgekit_targets.signing.keys import PublicKey, algorithm_of, parse_public_key, public_key_of, read_public_key
from edgekit_targets.signing.ring import KeyRing, read_ring, revoke, trust

CURVES = [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()]


def made(curve: ec.EllipticCurve | None = None) -> PublicKey:
    return public_key_of(ec.generate_private_key(curve or ec.SECP256R1()).public_key(), "a test's key")


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_a_key_verifies_what_its_other_half_signed(curve: ec.EllipticCurve) -> None:
    private = ec.generate_private_key(curve)
    key = public_key_of(private.public_key(), "a test's key")
    signature = private.sign(b"message", algorithm_of(curve))
    assert key.verifies(signature, b"message")
    assert not key.verifies(signature, b"massage")
    assert not key.verifies(b"", b"message")
    assert not made(curve).verifies(signature, b"message")
    assert parse_public_key(key.pem, "k.pub") == key


def test_other_files_are_no_public_keys(tmp_path: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    others = {
        "is a private key, which stays with you": secret,
        "no public key in PEM": b"junk",
        "no key on the curve P-256, P-384 or P-521": ed25519.Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "no key on the curve": ec.generate_private_key(ec.SECP256K1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "no key on": rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    }
    path = tmp_path / "k.pub"
    for words, content in others.items():
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"k\.pub .*{words}"):
            read_public_key(path)
    with pytest.raises(InputError, match="cannot read"):
        read_public_key(tmp_path / "missing.pub")


def test_a_ring_has_what_was_trusted_and_what_was_revoked(tmp_path: Path) -> None:
    assert read_ring(tmp_path) == KeyRing((), ())
    one, other = made(), made()
    trust(tmp_path, one)
    trust(tmp_path, one)
    trust(tmp_path, other)
    assert set(read_ring(tmp_path).trusted) == {one, other}
    revoke(tmp_path, one)
    assert read_ring(tmp_path).revoked == (one,)
    with pytest.raises(InputError, match=f"key {one.id[:16]} was revoked there, which is for good"):
        trust(tmp_path, one)


def test_a_key_that_was_never_trusted_can_be_revoked(tmp_path: Path) -> None:
    key = made()
    revoke(tmp_path, key)
    assert read_ring(tmp_path) == KeyRing((), (key,))


@pytest.mark.parametrize("kind", ["trusted", "revoked"])
def test_a_file_put_there_by_hand_is_told(tmp_path: Path, kind: str) -> None:
    write_atomic(tmp_path / "keys" / kind / "mine.pub", made().pem)
    with pytest.raises(InputError, match=r"mine\.pub .*by hand"):
        read_ring(tmp_path)
    write_atomic(tmp_path / "keys" / kind / "mine.pub", b"")
    with pytest.raises(InputError, match="no public key"):
        read_ring(tmp_path)
