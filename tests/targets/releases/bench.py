"""A device's store on a folder, with what may happen to it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from edgekit_targets.errors import CheckFailed
from edgekit_targets.releases.boot import Boot, ScriptedBoot
from edgekit_targets.releases.check import verify_release
from edgekit_targets.releases.disk import Disk
from edgekit_targets.releases.format import MODEL, PROFILE, SIGNATURE, Release, release_id
from edgekit_targets.releases.health import Health
from edgekit_targets.releases.install import Steps
from edgekit_targets.releases.simulated import Operation, WatchedDisk, read_tree
from edgekit_targets.releases.store import Store
from edgekit_targets.signing.keys import PublicKey
from edgekit_targets.signing.verify import Signer


def steps(*keys: PublicKey, health: Callable[[Path, Release], Health | None] = lambda folder, release: None) -> Steps:
    """Real signatures; the model is not run, and nobody watches over the switch."""
    return Steps(
        verify=lambda folder: verify_release(folder, keys),
        suits=lambda release: None,
        trial=lambda folder, release: None,
        health=health,
        guard=lambda store, release: nullcontext(),
    )


def small_release(folder: Path, counter: int) -> Path:
    """A release of as few files as tell its parts from one another, for stores that are looked at many times."""
    (folder / "evidence").mkdir(parents=True)
    for name in (MODEL, PROFILE, SIGNATURE):
        (folder / name).write_text(f"{name} {counter}")
    return folder


def small_steps(health: Callable[[Path, Release], Health | None] = lambda folder, release: None) -> Steps:
    """Of small releases: whole is what holds the same number in every file."""

    def verify(folder: Path) -> tuple[Release, Signer]:
        try:
            texts = {name: (folder / name).read_text() for name in (MODEL, PROFILE, SIGNATURE)}
        except (OSError, UnicodeDecodeError) as error:
            raise CheckFailed(f"{folder} is not whole") from error
        counters = {text.removeprefix(f"{name} ") for name, text in texts.items()}
        if len(counters) != 1 or read_tree(folder).keys() != {MODEL, "evidence", SIGNATURE}:
            raise CheckFailed(f"{folder} is mixed")
        release: Any = SimpleNamespace(name="model", counter=int(counters.pop()), artifact="small")
        digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
        return release, Signer(key="none", digests=digests)

    return dataclasses.replace(steps(health=health), verify=verify)


def id_of(folder: Path, steps: Steps) -> str:
    """By which a device knows a release."""
    release, signer = steps.verify(folder)
    return release_id(release.counter, signer.digests)


def sick(folder: Path, release: Release) -> None:
    """A probe that fails."""
    raise CheckFailed(f"{release.artifact} is not well")


def store_at(root: Path, about: Callable[[Operation], None] | None = None, boot: Boot | None = None) -> Store:
    """The store of the tests' releases, on a disk that is never waited for."""
    disk: Disk = WatchedDisk(about or (lambda operation: None), syncing=False)
    return Store(root, "model", disk=disk, boot=boot or ScriptedBoot())
