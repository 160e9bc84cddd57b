"""The packages a device needs, fetched here for its architecture and Python: no internet and no pip is needed there.

Two wheels are enough: numpy and the runtime. What ONNX Runtime declares beyond that (flatbuffers, packaging, protobuf)
is never loaded by running a model, and of both wheels about a third is for other purposes; what is left is tried on the
device before anything relies on it.
"""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.devices.place import Found
from edgekit_targets.errors import InputError

DEFAULT = ("onnxruntime", "numpy")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(==[0-9A-Za-z][0-9A-Za-z.+!]*)?")
_MACHINES = {"aarch64": "aarch64", "arm64": "aarch64", "x86_64": "x86_64", "amd64": "x86_64"}
_OLDEST_GLIBC = 17
"""manylinux2014."""
_LEFT_OUT = re.compile(
    r"onnxruntime/(transformers|quantization|tools|backend|datasets)/|onnxruntime/capi/libonnxruntime\.so"
    r"|numpy/(f2py|distutils|typing)/|numpy/_core/(lib|include)/|/tests/|\.pyi$|\.pxd$"
)
_SAVED = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Closure:
    """What a device gets: one archive, and which wheels (file name to SHA-256) it was made of."""

    archive: bytes
    wheels: dict[str, str]
    unpacked_bytes: int


def fetch(found: Found, requirements: Sequence[str], cache: Path) -> Closure:
    """The wheels that suit a device, without what running a model does not need, as one archive.

    Args:
        found: what the device is.
        requirements: names, or ``name==version``.
        cache: a folder here where wheels are kept.

    Raises:
        InputError: nothing can be had for such a device, or the packages cannot be fetched.
    """
    machine = _machine(found)
    for requirement in requirements:
        if not _REQUIREMENT.fullmatch(requirement):
            raise InputError(f"--runtime {requirement!r} is no package; write for example onnxruntime==1.19.2")
    with tempfile.TemporaryDirectory(prefix="edgekit-wheels-") as scratch:
        _download(found, machine, requirements, Path(scratch), cache)
        wheels = sorted(Path(scratch).glob("*.whl"))
        return _packed(wheels)


def _machine(found: Found) -> str:
    if found.bits == 32 or found.machine.lower().startswith(("armv6", "armv7")):
        raise InputError(
            f"a 32-bit {found.machine} system has no ONNX Runtime: there are no wheels for it; install the 64-bit "
            "system (Raspberry Pi OS 64-bit, from Raspberry Pi 3 and Zero 2 W on)"
        )
    machine = _MACHINES.get(found.machine.lower())
    if machine is None or found.system != "Linux":
        raise InputError(
            f"a {found.system} device with {found.machine} cannot be set up; Linux on aarch64 or x86_64 can"
        )
    if found.libc[0] != "glibc":
        raise InputError(
            "the device's system has no glibc (Alpine, for example); there are no ONNX Runtime wheels for it"
        )
    return machine


def _download(found: Found, machine: str, requirements: Sequence[str], folder: Path, cache: Path) -> None:
    newest = int(found.libc[1].split(".")[1])
    # pip does not take an older manylinux for granted where a newer one is named.
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, _OLDEST_GLIBC - 1, -1)]
    platforms.append(f"manylinux2014_{machine}")
    version = ".".join(map(str, found.python[:2]))
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
            *("--only-binary=:all:", "--implementation", "cp", "--python-version", version),
            *(word for platform in platforms for word in ("--platform", platform)),
            *("--cache-dir", str(cache), "--dest", str(folder), *requirements),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        said = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")] or ["ERROR: pip failed"]
        raise InputError(
            f"no {' and '.join(requirements)} for Python {version} on {machine} (glibc {found.libc[1]}) could be "
            f"fetched: {said[0].removeprefix('ERROR: ')}"
        )


def _packed(wheels: Sequence[Path]) -> Closure:
    """One archive with the same bytes for the same wheels."""
    buffer = io.BytesIO()
    size = 0
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as source:
                for entry in sorted(source.infolist(), key=lambda one: one.filename):
                    if entry.is_dir() or _LEFT_OUT.search(entry.filename):
                        continue
                    copy = zipfile.ZipInfo(entry.filename, _SAVED)
                    copy.external_attr, copy.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
                    archive.writestr(copy, source.read(entry))
                    size += entry.file_size
    hashes = {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}
    return Closure(archive=buffer.getvalue(), wheels=hashes, unpacked_bytes=size)
