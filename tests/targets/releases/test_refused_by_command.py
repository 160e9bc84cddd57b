"""All that a device refuses, asked of its own command: an exit code, one line, and a device that is as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit_targets.flock import take
from edgekit_targets.releases.commands import main
from edgekit_targets.releases.format import FILES, GOLDEN, HEADER, MODEL, SIGNATURE
from edgekit_targets.releases.install import install
from edgekit_targets.releases.simulated import read_tree
from edgekit_targets.releases.store import Store
from edgekit_targets.signing.ring import revoke, trust
from tests.targets.releases.bench import steps, store_at
from tests.targets.releases.conftest import Owner
from tests.targets.releases.spoil import bomb, external, sign_over, statement

Make = Callable[..., Path]
Captured = pytest.CaptureFixture[str]
REFUSED, INPUT = 5, 2


@pytest.fixture
def store(root: Path, owner: Owner, make_release: Make) -> Store:
    """A device with a release."""
    store = store_at(root)
    install(make_release(5), store, steps(owner.public))
    return store


@pytest.fixture
def refused(store: Store, capsys: Captured) -> Callable[..., None]:
    """Ask the command of a device, by default the one above."""

    def ask(source: Path, code: int, words: str, *more: str, root: Path = store.root) -> None:
        before = read_tree(root)
        assert main(["install", str(source), "--root", str(root), *more]) == code
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("edgekit: ")
        assert printed.err.count("\n") == 1
        assert words in printed.err
        assert read_tree(root) == before

    return ask


@pytest.fixture
def release(make_release: Make, tmp_path: Path) -> Path:
    """A newer one, to spoil."""
    return Path(shutil.copytree(make_release(6), tmp_path / "sent"))


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_any_file(refused: Callable[..., None], release: Path, name: str) -> None:
    content = bytearray((release / name).read_bytes())
    content[0] ^= 1
    (release / name).write_bytes(content)
    said = "is not valid JSON" if name == SIGNATURE else "is not the file that was signed"
    refused(release, REFUSED, f"{release / name} {said}")


def hard_link(folder: Path) -> None:
    os.link(folder / MODEL, folder.with_name("other-name"))


def symbolic_link(folder: Path) -> None:
    (folder / GOLDEN).rename(folder.with_name("elsewhere"))
    (folder / GOLDEN).symlink_to(folder.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "extra").touch(), "holds 'extra', which is no part of a release"),
        (lambda folder: (folder / MODEL).unlink(), "model.onnx is missing from the release"),
        (lambda folder: (folder / HEADER).rename(folder / "modell.h"), "'modell.h', which is no part of a release"),
        (symbolic_link, "golden.npz is a symbolic link"),
        (hard_link, "model.onnx is a hard link (2 names for one file)"),
        (shutil.rmtree, "name a release folder"),
    ],
)
def test_other_files_than_were_signed(
    refused: Callable[..., None], release: Path, spoil: Callable[[Path], object], words: str
) -> None:
    spoil(release)
    refused(release, INPUT if spoil is shutil.rmtree else REFUSED, words)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(external, "keeps weights in another file"), (bomb, "golden vectors do not: it is not unpacked")],
)
def test_what_no_model_needs_though_it_is_signed(
    refused: Callable[..., None], release: Path, owner: Owner, spoil: Callable[[Path], object], words: str
) -> None:
    spoil(release)
    owner.sign(release)
    refused(release, REFUSED, words)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "more.bin"])
def test_a_path_that_escapes_and_a_signature_over_other_files(
    refused: Callable[..., None], release: Path, owner: Owner, name: str
) -> None:
    signed = {one["name"]: one["digest"] for one in statement(release)["predicate"]["resources"]}
    sign_over(release, owner, signed | {name: "0" * 64})
    refused(release, REFUSED, "is over other files")


def test_the_signature_of_another_release(refused: Callable[..., None], release: Path, make_release: Make) -> None:
    shutil.copyfile(make_release(7) / SIGNATURE, release / SIGNATURE)
    refused(release, REFUSED, "release.json is not the file that was signed")


def test_an_unknown_and_a_revoked_key(refused: Callable[..., None], store: Store, make_release: Make) -> None:
    stranger = Owner()
    sent = make_release(6, signer=stranger)
    refused(sent, REFUSED, "is signed by a key that is not trusted here")
    trust(store.root, stranger.public)
    revoke(store.root, stranger.public)
    refused(sent, REFUSED, f"is signed by key {stranger.public.id[:16]}, which is revoked")


def test_an_older_counter(refused: Callable[..., None], make_release: Make) -> None:
    refused(make_release(4), REFUSED, "is older (counter 4) than what this device has accepted (5)")
    stranger = make_release(4, signer=Owner())
    refused(stranger, REFUSED, "is signed by a key that is not trusted here", "--force-older")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architectures": ("sparc64",)}, "is for sparc64, this device is"),
        ({"isa": "riscv-v"}, "needs riscv-v, which this processor lacks"),
        ({"min_onnxruntime": "99.0"}, "needs onnxruntime 99.0 or newer, here is"),
    ],
)
def test_a_device_that_it_is_not_for(
    refused: Callable[..., None], make_release: Make, changes: dict[str, Any], words: str
) -> None:
    refused(make_release(6, **changes), INPUT, words)


def test_two_controllers(refused: Callable[..., None], store: Store, release: Path) -> None:
    lock = take(store.folder / ".lock")
    try:
        told = f"another edgekit is at work on {store.folder} (process {os.getpid()})"
        refused(release, INPUT, told, "--wait", "0.1")
    finally:
        os.close(lock)


def test_a_full_and_a_read_only_disk(
    refused: Callable[..., None], small_disk: Path, owner: Owner, make_release: Make, release: Path
) -> None:
    root = small_disk / "device"
    trust(root, owner.public)
    install(make_release(5), store_at(root), steps(owner.public))
    (small_disk / "filler").write_bytes(bytes(1 << 10))
    refused(release, INPUT, "No space left on device; current is 5-", root=root)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    refused(release, INPUT, "Read-only file system; current is 5-", root=root)
