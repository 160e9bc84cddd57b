"""Small real releases: a real model, real golden vectors, really signed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from edgekit_targets import __version__
from edgekit_targets.records import dumps
from edgekit_targets.releases.format import (
    GOLDEN,
    HEADER,
    MANIFEST,
    MODEL,
    PROFILE,
    SIGNATURE,
    SIGNED,
    VERDICT,
    Golden,
    Limits,
    Port,
    Release,
    Session,
)
from edgekit_targets.signing.envelope import Envelope, dump_envelope, signed_bytes
from edgekit_targets.signing.keys import PublicKey, public_key_of
from edgekit_targets.signing.ring import trust
from edgekit_targets.signing.statement import make_statement
from edgekit_targets.types.session import SessionOptions

FEATURES = 6


class Owner:
    """Holds a private key."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.public: PublicKey = public_key_of(self.private.public_key(), "a test's key")

    def sign(self, folder: Path) -> None:
        """Sign what lies in a folder."""
        digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in SIGNED}
        payload = make_statement("model", digests, SIGNATURE)
        signature = self.private.sign(signed_bytes(payload), ec.ECDSA(hashes.SHA256()))
        envelope = Envelope(payload=payload, signature=signature, hint=self.public.id)
        (folder / SIGNATURE).write_bytes(dump_envelope(envelope))


@pytest.fixture(scope="session")
def owner() -> Owner:
    return Owner()


@pytest.fixture(scope="session")
def make_release(matmul: Path, owner: Owner, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a signed release of the matmul model; ``error`` spoils a golden answer, ``changes`` fields of the text."""
    folder = tmp_path_factory.mktemp("shipped")

    def make(
        counter: int = 1, *, signer: Owner = owner, error: float = 0.0, model: Path = matmul, **changes: Any
    ) -> Path:
        out = folder / f"{len(list(folder.iterdir()))}"
        (out / "evidence").mkdir(parents=True)
        shutil.copyfile(model, out / MODEL)
        content = model.read_bytes()
        x = np.random.default_rng(1).normal(size=(8, FEATURES)).astype(np.float32)
        y = x @ np.add.outer(np.arange(FEATURES), np.arange(4)).astype(np.float32) + np.float32(1)
        y[3, 2] += error
        arrays: dict[str, Any] = {"input.x": x, "output.y": y}
        np.savez(out / GOLDEN, **arrays)
        facts: dict[str, Any] = {
            "schema_version": 1,
            "name": "model",
            "counter": counter,
            "created": "2026-01-01T00:00:00Z",
            "edgekit_version": __version__,
            "artifact": "matmul-window-fp32",
            "family": "matmul",
            "mode": "window",
            "precision": "fp32",
            "isa": "portable",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
            "inputs": (Port(name="x", dtype="float32", shape=("batch", FEATURES), unit=None),),
            "outputs": (Port(name="y", dtype="float32", shape=("batch", 4), unit=None),),
            "normalisation": "in the graph",
            "states": (),
            "reset": "nothing is carried",
            "labels": (),
            "session": Session(
                target="cpu",
                options=SessionOptions(),
                batch=1,
                length=1,
                shapes={"x": (1, FEATURES)},
                runtime_version=None,
            ),
            "every_seconds": None,
            "golden": Golden(tolerance=1e-3, mode="window"),
            "limits": Limits(p99_seconds=None, memory_bytes=None, process_memory_bytes=None),
            "architectures": ("any",),
            "min_onnxruntime": "1.16",
            "parity": None,
            "forced": ("no evidence: a test",),
        }
        (out / MANIFEST).write_text(dumps(Release(**(facts | changes)), indent=1))
        for name in (PROFILE, VERDICT):
            (out / name).write_text(json.dumps(None))
        (out / HEADER).write_text("/* names, shapes */\n")
        signer.sign(out)
        return out

    return make


@pytest.fixture
def root(owner: Owner, tmp_path: Path) -> Path:
    """A device's folder that trusts the owner."""
    root = tmp_path / "device"
    trust(root, owner.public)
    return root


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one, for what is written many times and need not be safe."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"mounting needs root: {made.stderr.strip()}; the same is simulated in test_refusals.py")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)
