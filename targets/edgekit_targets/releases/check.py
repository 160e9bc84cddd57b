"""A release taken in: signed, whole, and saying of itself what its files are. Nothing in it is run here."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgekit_targets.bundle import check_version
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.records import loads
from edgekit_targets.releases.format import (
    ANY,
    GOLDEN,
    HEADER,
    MANIFEST,
    MODEL,
    MOST_BYTES,
    PROFILE,
    VERDICT,
    Release,
    is_copy,
    parse_release,
    release_id,
)
from edgekit_targets.signing.keys import PublicKey
from edgekit_targets.signing.verify import Signer, verify_folder

MOST_RATIO = 100
"""How many times its size an archive may unpack to; numbers that a model gives do not shrink like that."""
_HARMLESS_BYTES = 1 << 20
_EVIDENCE_VERSION = 1 << 16
"""Evidence is kept for people; which schema it has is nothing a device needs to know."""


def verify_release(
    folder: Path, keys: Sequence[PublicKey], revoked: Sequence[PublicKey] = ()
) -> tuple[Release, Signer]:
    """Check the signature and every file of a release, then its content: what to call before anything of it is used.

    Raises:
        InputError: there is no such folder, or it cannot be read.
        CheckFailed: as :func:`edgekit_targets.signing.verify.verify_folder` and :func:`check_release`.
        MissingExtra: ``cryptography`` is not installed.
    """
    signer = verify_folder(folder, keys, revoked)
    return check_release(folder, signer.digests), signer


def check_release(folder: Path, digests: dict[str, str]) -> Release:
    """Hold the content of a release against what it says of itself.

    Args:
        folder: the release.
        digests: SHA-256 of every file, from the signature; what is read here must be that.

    Raises:
        CheckFailed: ``release.json`` is damaged or of another model, the model keeps weights in another file, the
            golden vectors unpack to absurd sizes, the evidence is of another file. One line.
    """
    try:
        release = parse_release(_read(folder, MANIFEST, digests), str(folder / MANIFEST))
        _check_model(folder, release, digests)
        _check_golden(folder / GOLDEN)
        for name in (PROFILE, VERDICT):
            _check_evidence(_read(folder, name, digests), folder / name, release)
        if not _read(folder, HEADER, digests).strip():
            raise CheckFailed(f"{folder / HEADER} is empty; ship the release again")
    except InputError as error:
        raise CheckFailed(str(error)) from error
    return release


def check_place(folder: Path, release: Release, signer: Signer) -> None:
    """Hold a release in a device's store against the name of its folder, by which links and notes know it.

    Raises:
        CheckFailed: another release lies there, signed as it may be, for instance an older one.
    """
    identity = release_id(release.counter, signer.digests)
    if not is_copy(folder.name, identity):
        raise CheckFailed(
            f"{folder} holds release {identity}: it was replaced there, or put there by an edgekit that named releases "
            "otherwise; install a release anew"
        )


def check_runs(release: Release, *, architecture: str, isa: Sequence[str], onnxruntime: str | None) -> None:
    """Refuse a device that this release is not for.

    Args:
        release: what is to run there.
        architecture: of the device, as its kernel names it (``aarch64``).
        isa: edgekit's words for the instruction sets that it has.
        onnxruntime: its version there, where the release runs on it; null where there is none.

    Raises:
        InputError: another architecture, an instruction set that it lacks, or a runtime that is missing or too old.
    """
    if ANY not in release.architectures and architecture not in release.architectures:
        raise InputError(
            f"release {release.artifact} is for {' or '.join(release.architectures)}, this device is {architecture}; "
            "ship an artifact that was made for it"
        )
    if release.isa != "portable" and release.isa not in isa:
        raise InputError(
            f"release {release.artifact} needs {release.isa}, which this processor lacks; ship one for --isa portable"
        )
    if release.session.target not in ("cpu", "cuda") or release.min_onnxruntime is None:
        return
    if onnxruntime is None:
        raise InputError(
            f"release {release.artifact} needs onnxruntime {release.min_onnxruntime} or newer, here is none; install it"
        )
    if _numbers(onnxruntime) < _numbers(release.min_onnxruntime):
        raise InputError(
            f"release {release.artifact} needs onnxruntime {release.min_onnxruntime} or newer, here is {onnxruntime}; "
            "upgrade it"
        )


def _numbers(version: str) -> tuple[int, ...]:
    """``1.16`` as numbers; what follows them (``rc1``, ``+cu12``) does not count."""
    found = []
    for part in version.split(".")[:3]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        found.append(int(digits or 0))
    return tuple(found + [0] * (3 - len(found)))


def _read(folder: Path, name: str, digests: dict[str, str]) -> bytes:
    path = folder / name
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES[name] + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != digests[name]:
        raise CheckFailed(f"{path} changed while it was checked; nothing else may write there")
    return content


def _check_model(folder: Path, release: Release, digests: dict[str, str]) -> None:
    from edgekit_targets.runtimes.onnx_file import read_signature

    path = folder / MODEL
    if (path.stat().st_size, digests[MODEL]) != (release.size_bytes, release.sha256):
        raise CheckFailed(f"{path} is not the file that {MANIFEST} describes; ship the release again")
    declared = read_signature(path)
    for kind, found, told in (
        ("inputs", declared.inputs, release.inputs),
        ("outputs", declared.outputs, release.outputs),
    ):
        if sorted((one.name, one.dtype) for one in found) != sorted((one.name, one.dtype) for one in told):
            raise CheckFailed(f"{path} has other {kind} than {MANIFEST} says; ship the release again")


def _check_golden(path: Path) -> None:
    """Look at the archive's table without unpacking anything."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise CheckFailed(f"{path} is no .npz, or only a part of one; ship the release again") from error
    unpacked = sum(one.file_size for one in members)
    packed = path.stat().st_size
    if unpacked > MOST_BYTES[GOLDEN] or unpacked > max(_HARMLESS_BYTES, MOST_RATIO * packed):
        raise CheckFailed(
            f"{path} unpacks from {packed} to {unpacked} bytes; golden vectors do not: it is not unpacked"
        )
    for one in members:
        if not one.filename.startswith(("input.", "output.", "whole")) or not one.filename.endswith(".npy"):
            raise CheckFailed(f"{path} holds {one.filename[:80]!a}, which is no golden vector; ship it again")


def _check_evidence(content: bytes, path: Path, release: Release) -> None:
    try:
        data: Any = loads(content.decode("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise CheckFailed(f"{path} is not UTF-8 text; ship the release again") from error
    measured = path.name == Path(PROFILE).name
    if data is None:
        if measured and not release.forced:
            raise CheckFailed(f"{path} holds no evidence, and the release was not forced; ship it again")
        return
    check_version(data, _EVIDENCE_VERSION, path)
    told = data.get("measurements", []) if measured else []
    if any(not isinstance(one, dict) or one.get("sha256") != release.sha256 for one in told):
        raise CheckFailed(f"{path} is evidence of another file; ship the release again")
