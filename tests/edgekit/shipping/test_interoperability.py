"""Against the published package ``model-signing``, in both directions, by its own command."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from edgekit.shipping.signing import PrivateKey, read_private_key
from edgekit_targets.errors import CheckFailed
from edgekit_targets.releases.check import verify_release
from edgekit_targets.releases.format import SIGNATURE
from tests.edgekit.shelf import STREAM

pytestmark = pytest.mark.slow


def model_signing(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "model_signing", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(params=[ec.SECP256R1(), ec.SECP384R1()], ids=lambda curve: curve.name)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path, PrivateKey]:
    path = tmp_path / "k.key"
    private = ec.generate_private_key(request.param)
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = read_private_key(path)
    (tmp_path / "k.pub").write_bytes(key.public.pem)
    return path, tmp_path / "k.pub", key


def test_they_accept_ours_and_refuse_it_when_altered(
    composed: Callable[..., Path], pair: tuple[Path, Path, PrivateKey]
) -> None:
    _, public, key = pair
    folder = composed(STREAM, key=key)
    verify: list[str | Path] = ["verify", "key", "--public_key", public, "--signature", folder / SIGNATURE, folder]
    done = model_signing(*verify)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verification succeeded" in done.stdout
    model = folder / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"\x7f")
    done = model_signing(*verify)
    assert done.returncode != 0
    assert "model.onnx" in done.stdout + done.stderr


def test_we_accept_theirs_and_refuse_it_when_altered(
    composed: Callable[..., Path], key: PrivateKey, pair: tuple[Path, Path, PrivateKey]
) -> None:
    private, _, other = pair
    folder = composed()
    (folder / SIGNATURE).unlink()
    done = model_signing("sign", "key", "--private_key", private, "--signature", folder / SIGNATURE, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    _, signer = verify_release(folder, [key.public, other.public])
    assert signer.key == other.public.id
    with pytest.raises(CheckFailed, match="not trusted here"):
        verify_release(folder, [key.public])
    header = folder / "model.h"
    header.write_text(header.read_text() + "\n")
    with pytest.raises(CheckFailed, match=r"model\.h is not the file that was signed"):
        verify_release(folder, [other.public])


def test_both_refuse_a_file_that_was_added(composed: Callable[..., Path], key: PrivateKey, tmp_path: Path) -> None:
    folder, public = composed(), tmp_path / "own.pub"
    public.write_bytes(key.public.pem)
    (folder / "extra.bin").write_bytes(b"x")
    with pytest.raises(CheckFailed, match=r"'extra\.bin', which is no part of a release"):
        verify_release(folder, [key.public])
    done = model_signing("verify", "key", "--public_key", public, "--signature", folder / SIGNATURE, folder)
    assert done.returncode != 0
