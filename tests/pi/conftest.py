"""An emulated Raspberry Pi for each test that asks for one; under ``.ci/run`` a part that is missing is an error."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest

from edgekit.devices.address import Address
from edgekit.devices.openssh import Connection
from edgekit.devices.place import Place
from edgekit.devices.setup import set_up
from edgekit.devices.wheels import requirements_for
from edgekit_export.exporting import ExportRequest, export
from edgekit_targets.bundle import read_manifest, write_manifest
from edgekit_targets.progress import silent
from tests.pi.parts.device import Pi, client, device
from tests.pi.parts.sysroot import EMULATOR, build

CACHE = Path(__file__).parents[2] / ".pi-cache"
Start = Callable[..., Pi]


@pytest.fixture(scope="session")
def root() -> Path:
    """The arm64 system that all devices share; nothing writes there."""
    parts = (EMULATOR, "/usr/sbin/sshd", "ssh", "ssh-keygen", "pgrep", "apt-get", "dpkg-deb")
    missing = [name for name in parts if not shutil.which(name)]
    if missing:
        without(f"{', '.join(missing)} missing; make system-deps installs it")
    try:
        return build(CACHE / "root")
    except (OSError, subprocess.CalledProcessError) as error:
        without(f"no arm64 system could be fetched: {error}; it takes Debian and a network")


def without(reason: str) -> NoReturn:
    """Under ``.ci/run`` a part that is missing is an error; elsewhere the tests are skipped by name."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def wheels() -> Path:
    """Where fetched wheels are kept between runs."""
    return CACHE / "wheels"


@pytest.fixture
def start(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start devices; ``ssh`` knows each by its name."""
    devices: list[Pi] = []
    path = os.environ["PATH"]
    with ExitStack() as stack:

        def begin(name: str = "pi", **settings: str) -> Pi:
            one = stack.enter_context(device(root, tmp_path / "devices" / name, name, **settings))
            devices.append(one)
            monkeypatch.setenv("PATH", f"{client(tmp_path / 'bin', devices)}:{path}")
            return one

        yield begin


@pytest.fixture(scope="session")
def ready(root: Path, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pi]:
    """One device with a runtime, shared by tests that only measure on it."""
    folder = tmp_path_factory.mktemp("ready")
    with device(root, folder / "pi", "pi") as one, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{client(folder / 'bin', [one])}:{os.environ['PATH']}")
        with Connection(Address(host="pi"), "pi") as connection:
            set_up(Place(connection), wheels, silent, requirements_for(None, releases=True))
        yield one


@pytest.fixture
def reach(ready: Pi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Pi:
    """The shared device, with an ``ssh`` that knows it."""
    monkeypatch.setenv("PATH", f"{client(tmp_path / 'bin', [ready])}:{os.environ['PATH']}")
    return ready


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pair in both modes and two precisions, small."""
    out = tmp_path_factory.mktemp("pair") / "bundle"
    small = {"lstm.hidden": "32", "transformer.dim": "32", "transformer.layers": "1", "transformer.window": "8"}
    export(ExportRequest(models=("lstm", "transformer"), out=out, modes=("window", "stream"), settings=small), silent)
    return out


@pytest.fixture(scope="session")
def one_file(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with one file, for what does not depend on which."""
    out = tmp_path_factory.mktemp("one") / "bundle"
    shutil.copytree(bundle, out)
    manifest = read_manifest(out)
    first = next(one for one in manifest.artifacts if one.id == "lstm-window-fp32-portable-plain")
    write_manifest(out, dataclasses.replace(manifest, artifacts=(first,)))
    return out
