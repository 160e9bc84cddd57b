import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

from edgekit.shipping.signing import PASSPHRASE, new_pair, read_private_key
from edgekit_targets.errors import InputError
from edgekit_targets.releases.check import verify_release
from edgekit_targets.signing.keys import read_public_key

Encrypted = serialization.BestAvailableEncryption(b"secret")
Plain = serialization.NoEncryption()


def write(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, lock: object = Plain) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))  # type: ignore[arg-type]
    return path


def test_a_pair_is_two_halves_of_one_key(tmp_path: Path) -> None:
    private, public, key = new_pair(tmp_path / "new" / "a.b")
    assert (private.name, public.name) == ("a.b.key", "a.b.pub")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert read_public_key(public) == key == read_private_key(private).public
    assert b"PRIVATE" not in public.read_bytes()


@pytest.mark.parametrize("there", ["k.key", "k.pub"])
def test_a_key_is_never_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(InputError, match=f"{there} exists already"):
        new_pair(tmp_path / "k")
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "k.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="exists already"):
        new_pair(tmp_path / "k")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_every_curve_of_the_format_signs(
    tmp_path: Path, composed: Callable[..., Path], curve: ec.EllipticCurve
) -> None:
    key = read_private_key(write(tmp_path / "k", ec.generate_private_key(curve)))
    _, signer = verify_release(composed(key=key), [key.public])
    assert signer.key == key.public.id


def test_an_encrypted_key_opens_with_its_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "k", ec.generate_private_key(ec.SECP256R1()), Encrypted)
    with pytest.raises(InputError, match=f"is encrypted; put its passphrase into the variable {PASSPHRASE}"):
        read_private_key(path)
    monkeypatch.setenv(PASSPHRASE, "wrong")
    with pytest.raises(InputError, match=f"does not open with {PASSPHRASE}"):
        read_private_key(path)
    monkeypatch.setenv(PASSPHRASE, "secret")
    assert read_private_key(path).key.curve.name == "secp256r1"
    plain = write(tmp_path / "p", ec.generate_private_key(ec.SECP256R1()))
    assert read_private_key(plain).public.id  # the variable does not get in the way of a key without


def test_other_files_are_no_keys(tmp_path: Path) -> None:
    others = {
        "curve": write(tmp_path / "a", ec.generate_private_key(ec.SECP256K1())),
        "elliptic": write(tmp_path / "b", rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        "no private key": new_pair(tmp_path / "c")[1],
        "cannot be read": tmp_path / "missing",
    }
    for word, path in others.items():
        with pytest.raises(InputError, match=rf"--key .*{word}.*edgekit keys new"):
            read_private_key(path)
