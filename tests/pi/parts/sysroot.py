"""A folder that holds an aarch64 Raspberry Pi's Python, run by user-mode emulation: real ARM code, no root, no chroot.

Debian's own packages for arm64 are fetched into a private state of apt, so that nothing of this machine's changes. The
emulator redirects every path that exists under the folder, which is how the files that tell a Raspberry Pi apart
(``/proc/cpuinfo``, the device tree, the temperature) get there. The emulator of Debian 12 shows a program the host's
``/proc/cpuinfo`` otherwise, on which newer ONNX Runtimes crash.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MODEL = "Raspberry Pi 4 Model B Rev 1.4"
EMULATOR = "qemu-aarch64-static"
_PACKAGES = [
    *("libc6", "libgcc-s1", "libstdc++6", "libgomp1", "zlib1g", "libexpat1", "libffi8", "libbz2-1.0", "liblzma5"),
    *("libssl3", "libuuid1", "libcrypt1", "libsqlite3-0"),
    *("libpython3.11-minimal", "libpython3.11-stdlib", "python3.11-minimal"),
]
_CORE = """processor\t: {number}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
_BOARD = f"Hardware\t: BCM2835\nRevision\t: c03114\nModel\t\t: {MODEL}\n"
_APT = """APT::Architecture "arm64"; APT::Architectures {{ "arm64"; }};
Dir::State "{apt}"; Dir::State::lists "{apt}/lists"; Dir::State::status "{apt}/status";
Dir::Cache "{apt}"; Dir::Cache::archives "{apt}/archives";
Dir::Etc::sourcelist "{apt}/sources.list"; Dir::Etc::sourceparts "-"; Dir::Etc::parts "-"; Dir::Etc::main "-";
Acquire::Languages "none"; APT::Sandbox::User "root"; Debug::NoLocking "true";
"""


def build(folder: Path) -> Path:
    """Make the sysroot at ``folder``, once; half a one never gets its name."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="pi-") as scratch:
        root = Path(scratch) / "root"
        root.mkdir()
        for package in _fetch(Path(scratch) / "apt"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
        _board(root)
        _interpreter(root, folder)
        if sys.version_info[:2] == (3, 11):  # the same bytecode; without it every start takes seconds
            library = root / "usr/lib/python3.11"
            subprocess.run([sys.executable, "-m", "compileall", "-q", str(library)], check=False)
        try:
            root.rename(folder)
        except OSError:  # another run was faster
            assert folder.is_dir()
    return folder


def _fetch(apt: Path) -> list[Path]:
    for name in ("lists/partial", "archives/partial"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    sources = Path("/etc/apt/sources.list.d/debian.sources").read_text(encoding="utf-8")
    fields = dict(line.split(": ", 1) for line in sources.splitlines() if ": " in line and not line.startswith("#"))
    uri = next(line.split(": ", 1)[1] for line in sources.splitlines() if line.startswith("URIs:"))
    (apt / "sources.list").write_text(
        f"deb [arch=arm64 signed-by={fields['Signed-By']}] {uri} bookworm main\n", encoding="utf-8"
    )
    (apt / "conf").write_text(_APT.format(apt=apt), encoding="utf-8")
    environment = {**os.environ, "APT_CONFIG": str(apt / "conf")}
    subprocess.run(["apt-get", "-qq", "update"], check=True, env=environment, stderr=subprocess.DEVNULL)
    subprocess.run(
        ["apt-get", "-qq", "download", *_PACKAGES],
        check=True,
        env=environment,
        cwd=apt / "archives",
        stderr=subprocess.DEVNULL,
    )
    shutil.rmtree(apt / "lists")
    return sorted((apt / "archives").glob("*.deb"))


def _board(root: Path) -> None:
    """The files by which a Raspberry Pi 4 is known."""
    files = {
        "proc/cpuinfo": "".join(_CORE.format(number=number) for number in range(4)) + _BOARD,
        "proc/device-tree/model": f"{MODEL}\0",
        "sys/class/thermal/thermal_zone0/temp": "48312\n",
        "sys/devices/system/cpu/cpu0/regs/identification/midr_el1": "0x00000000410fd083\n",
        "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text, encoding="utf-8")


def _interpreter(root: Path, home: Path) -> None:
    """``python3`` as a script that starts the emulator; it is its own ``sys.executable``, so it can start itself."""
    binary = root / "usr/bin/python3.11"
    binary.rename(root / "usr/bin/python3.11.elf")
    emulator = shutil.which(EMULATOR)
    assert emulator is not None, f"{EMULATOR} is missing; make system-deps installs it"
    binary.write_text(
        f'#!/bin/sh\nexec {emulator} -L {home} -cpu cortex-a72 -0 "$0" {home}/usr/bin/python3.11.elf "$@"\n',
        encoding="utf-8",
    )
    binary.chmod(0o755)
    (root / "usr/bin/python3").unlink(missing_ok=True)
    (root / "usr/bin/python3").symlink_to("python3.11")
