"""The packages a device needs, fetched here for its architecture and Python: no internet and no pip is needed there.

Two wheels are enough: numpy and the runtime (two more where releases are verified). What ONNX Runtime declares beyond
that (flatbuffers, packaging, protobuf) is never loaded by running a model, and of both wheels about a third is for
other purposes; what is left is tried on the device before anything relies on it.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from edgekit.devices.place import Found
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.files import sha256_of
from edgekit_targets.records import parse

_MACHINES = {"aarch64": "aarch64", "arm64": "aarch64", "x86_64": "x86_64", "amd64": "x86_64"}
_OLDEST_GLIBC = 17
"""manylinux2014."""
_LEFT_OUT = re.compile(
    r"onnxruntime/(transformers|quantization|tools|backend|datasets)/|onnxruntime/capi/libonnxruntime\.so"
    r"|numpy/(f2py|distutils|typing)/|numpy/_core/(lib|include)/|/tests/|\.pyi$|\.pxd$"
)
_NUMPY_2, _NUMPY_1 = (1, 19), "numpy==1.26.4"
"""The first ONNX Runtime that numpy 2 suits, and what older ones take."""
_SAVED = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """What is put on a device unless told otherwise, and the SHA-256 of every wheel it may come from, by file name."""

    requirements: tuple[str, ...]
    openvino: str
    releases: tuple[str, ...]
    wheels: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Closure:
    """What a device gets: one archive, and which wheels (file name to SHA-256) it was made of."""

    archive: bytes
    wheels: dict[str, str]
    unpacked_bytes: int


def pinned() -> Pinned:
    """The versions that were tried, from ``pinned.toml``."""
    data = tomllib.loads((files("edgekit.devices") / "pinned.toml").read_text(encoding="utf-8"))
    return parse(Pinned, data, "pinned.toml")


def cache_folder() -> Path:
    """Where fetched wheels are kept here."""
    from platformdirs import user_cache_path

    return user_cache_path("edgekit") / "wheels"


def requirements_for(runtime: str | None, *, releases: bool = False) -> tuple[str, ...]:
    """What to fetch for ``--runtime onnxruntime==1.19.2,openvino``: those, and a numpy that they can use.

    A name without a version stands for the version that is pinned. With ``releases`` also what verifies a signature.

    Raises:
        InputError: no such runtime, or no version.
    """
    known = pinned()
    default, numpy = known.requirements
    found: dict[str, str] = {}
    for word in (runtime or "onnxruntime").split(","):
        match = re.fullmatch(r"(onnxruntime|openvino)(==\d+\.\d+(\.\d+)?)?", word.strip())
        if match is None or match[1] in found:
            raise InputError(
                f"--runtime {runtime!r} names no runtime for a device; write e.g. --runtime onnxruntime==1.19.2, "
                "--runtime openvino, or both with a comma"
            )
        found[match[1]] = word.strip() if match[2] else {"onnxruntime": default, "openvino": known.openvino}[match[1]]
    version = found.get("onnxruntime", default).partition("==")[2].split(".")
    old = (int(version[0]), int(version[1])) < _NUMPY_2
    return (*found.values(), _NUMPY_1 if old else numpy, *(known.releases if releases else ()))


def runs_openvino(found: Found) -> bool:
    """Whether there is a wheel of the pinned OpenVINO for a device's processor and C library."""
    machine = _MACHINES.get(found.machine.lower())
    if machine is None or found.bits == 32 or found.system != "Linux" or found.libc[0] != "glibc":
        return False
    python = "cp{}{}".format(*found.python)
    tags = [re.search(rf"-{python}-manylinux_2_(\d+)_{machine}[.]whl", wheel) for wheel in pinned().wheels]
    oldest = [int(tag[1]) for tag in tags if tag is not None and tag.string.startswith("openvino-")]
    return bool(oldest) and int(found.libc[1].split(".")[1]) >= min(oldest)


def fetch(found: Found, requirements: Sequence[str], cache: Path) -> Closure:
    """The wheels that suit a device, without what running a model does not need, as one archive.

    Args:
        found: what the device is.
        requirements: each ``name==version``.
        cache: a folder here where wheels are kept.

    Raises:
        InputError: nothing can be had for such a device, or the packages cannot be fetched.
        CheckFailed: a wheel of a pinned version is not the one that was tried.
    """
    machine = _machine(found)
    with tempfile.TemporaryDirectory(prefix="edgekit-wheels-") as scratch:
        _download(found, machine, requirements, Path(scratch), cache)
        return _packed(_checked(sorted(Path(scratch).glob("*.whl"))))


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
            f"fetched: {re.sub(r' *[(]from versions:.*', '', said[0].removeprefix('ERROR: '))}"
        )


def _checked(wheels: Sequence[Path]) -> dict[Path, str]:
    """The hash of every wheel; of a version that is not pinned it is what the index promised, which pip has checked."""
    known = pinned().wheels
    found = {wheel: sha256_of(wheel) for wheel in wheels}
    for wheel, sha256 in found.items():
        if known.get(wheel.name, sha256) != sha256:
            raise CheckFailed(
                f"{wheel.name} is not the file that was pinned (sha256 {sha256[:12]}..., expected "
                f"{known[wheel.name][:12]}...); do not use this package index"
            )
    return found


def _packed(wheels: Mapping[Path, str]) -> Closure:
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
    hashes = {wheel.name: sha256 for wheel, sha256 in wheels.items()}
    return Closure(archive=buffer.getvalue(), wheels=hashes, unpacked_bytes=size)
