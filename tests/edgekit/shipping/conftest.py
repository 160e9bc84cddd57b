"""Small real releases, as the device room's tests make them, and real ssh servers on loopback to ship them to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgekit.devices.address import Address
from edgekit.project.contract import OwnDevice
from edgekit_targets.releases.format import MANIFEST, parse_release, release_id
from edgekit_targets.signing.verify import hash_folder
from tests.edgekit.bare import bare_python
from tests.edgekit.shelf import composed, key, make_shelf, shelf
from tests.pi.parts.device import Pi, client, device
from tests.targets.conftest import matmul
from tests.targets.releases.conftest import make_release, owner

__all__ = ["composed", "key", "make_release", "make_shelf", "matmul", "owner", "shelf"]

Start = Callable[..., dict[str, Pi]]


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What all devices have: a Python with a runtime and cryptography, and no edgekit."""
    missing = [name for name in ("/usr/sbin/sshd", "ssh") if not shutil.which(name)]
    if missing:
        reason = f"{', '.join(missing)} missing; make system-deps installs it"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    root = tmp_path_factory.mktemp("board")
    bare_python(root / "usr", "numpy", "onnxruntime", "cryptography", "cffi")
    return root


@pytest.fixture
def start(board: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start devices, each an ssh server with a home of its own; ``ssh`` knows each by its name."""
    path = os.environ["PATH"]
    with ExitStack() as stack:

        def begin(*names: str) -> dict[str, Pi]:
            found = {name: stack.enter_context(device(board, tmp_path / "devices" / name, name)) for name in names}
            monkeypatch.setenv("PATH", f"{client(tmp_path / 'bin', list(found.values()))}:{path}")
            return found

        yield begin


def own_devices(names: Iterable[str]) -> dict[str, OwnDevice]:
    """As edgekit.toml would name them."""
    return {name: OwnDevice(name=name, address=Address(host=name), catalogue=None) for name in names}


def id_of(release: Path) -> str:
    """By which a device knows a release."""
    said = parse_release((release / MANIFEST).read_bytes(), "a release")
    return release_id(said.counter, hash_folder(release))
