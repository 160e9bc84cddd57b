"""Running a process inside a memory limit that the kernel enforces: a control group of its own.

Version 2 (``memory.max`` and ``memory.swap.max``) where the memory controller is there, else version 1
(``memory.limit_in_bytes`` and ``memory.memsw.limit_in_bytes``); Documentation/admin-guide/cgroup-v2.rst and
cgroup-v1/memory.rst in the kernel. Swap is off inside, since swapping would hide the limit.

What a group is charged is not what is resident in its processes: pages of files that another group read in first are
not charged, the page cache of what the process reads is (and is given back before anything is killed). So a process
that needs less than the limit by its high-water mark lives, and one that allocates more dies; in between lies what
is resident of files.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_NAME = "edgekit-"
_REMOVE_SECONDS = 2.0
_REMEDY = "run it as root, or below your own systemd: systemd-run --user --scope edgekit ..."
_PI_REMEDY = "add cgroup_enable=memory to the line in /boot/firmware/cmdline.txt and restart"


class Unavailable(Exception):
    """No limit can be enforced here; the message says why, and what would change that."""


@dataclass(frozen=True)
class _Files:
    """What the files of one version are called."""

    limit: str
    swap: str
    events: str
    peak: str


_V2 = _Files("memory.max", "memory.swap.max", "memory.events", "memory.peak")
_V1 = _Files("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control", "memory.max_usage_in_bytes")


class LimitedGroup:
    """A control group with a limit, made on entering and removed, with whatever still runs in it, on leaving."""

    def __init__(self, limit_bytes: int, root: Path = Path("/")) -> None:
        """Limit to ``limit_bytes``, rounded down to whole pages by the kernel. ``root`` is another folder in tests."""
        self._limit = limit_bytes
        self._root = root

    def __enter__(self) -> Self:
        """Make the group.

        Raises:
            Unavailable: there is no memory controller, or no permission.
        """
        parent, self._files = _find(self._root)
        _sweep(parent)
        self._folder = parent / f"{_NAME}{os.getpid()}"
        try:
            self._folder.mkdir()
        except OSError as error:
            raise _refused(self._folder, error) from error
        try:
            self._set_limits()
            self._procs = os.open(self._folder / "cgroup.procs", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
        except OSError as error:
            _remove(self._folder)
            raise _refused(self._folder, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the group."""
        os.close(self._procs)
        _remove(self._folder)

    def join(self) -> None:
        """Move the calling process into the group; for a child between fork and exec, so that all of it is counted."""
        os.write(self._procs, b"0")

    def kills(self) -> int | None:
        """How many of its processes the kernel has killed for want of memory; null where that is not told."""
        text = _text(self._folder / self._files.events) or ""
        found = re.search(r"^oom_kill (\d+)$", text, re.MULTILINE)
        return int(found[1]) if found else None

    def peak_bytes(self) -> int | None:
        """The most that was charged to the group; null where that is not told (before Linux 5.19 in version 2)."""
        text = _text(self._folder / self._files.peak)
        return int(text) if text is not None and text.isdecimal() else None

    def _set_limits(self) -> None:
        (self._folder / self._files.limit).write_text(f"{self._limit}\n", encoding="ascii")
        swap = self._folder / self._files.swap
        # Version 2 counts swap alone, version 1 memory and swap together. The file is missing where swap is not
        # accounted for; version 1 has another way to keep from swapping.
        if self._files is _V2:
            if swap.exists():
                swap.write_text("0\n", encoding="ascii")
        elif swap.exists():
            swap.write_text(f"{self._limit}\n", encoding="ascii")
        else:
            (self._folder / "memory.swappiness").write_text("0\n", encoding="ascii")


def _find(root: Path) -> tuple[Path, _Files]:
    """The group to make ours in.

    Raises:
        Unavailable: there is none.
    """
    own = dict(_own_groups(root))
    for kind, mount, options in _mounts(root):
        if kind == "cgroup2":
            for group in _upwards(mount, own.get("", "/")):
                if "memory" in (_text(group / "cgroup.subtree_control") or "").split():
                    return group, _V2
        elif "memory" in options:
            group = mount / own.get("memory", "/").lstrip("/")
            # In a container the path is often that of the host, and the mount point the container's own group.
            return (group if group.is_dir() else mount), _V1
    raise Unavailable(_why(root))


def _why(root: Path) -> str:
    if "cgroup_disable=memory" in (_text(root / "proc/cmdline") or "").split():
        return f"the kernel was started without its memory controller (cgroup_disable=memory); {_PI_REMEDY}"
    enabled = _text(root / "proc/cgroups") or ""
    if re.search(r"^memory\s+\d+\s+\d+\s+0$", enabled, re.MULTILINE):
        return f"the kernel's memory controller is off; on a Raspberry Pi {_PI_REMEDY}"
    if not (root / "proc/self/mountinfo").exists():
        return "this system has no control groups; only Linux has"
    for kind, mount, _ in _mounts(root):
        if kind == "cgroup2" and "memory" in (_text(mount / "cgroup.controllers") or "").split():
            return (
                "the memory controller is not handed down to the groups above this process (cgroup.subtree_control); "
                f"{_REMEDY}"
            )
    return f"no control group with a memory controller is mounted; on a Raspberry Pi {_PI_REMEDY}"


def _own_groups(root: Path) -> list[tuple[str, str]]:
    """Each controller with the path of this process's group; version 2 has the empty name."""
    found = []
    for line in (_text(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        found += [(name, path) for name in controllers.split(",")]
    return found


def _mounts(root: Path) -> list[tuple[str, Path, list[str]]]:
    """Every mounted hierarchy: version, folder and the options of version 1; version 2 first."""
    found = []
    for line in (_text(root / "proc/self/mountinfo") or "").splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(), after.split()
        if len(fields) > 4 and kinds and kinds[0] in ("cgroup", "cgroup2"):
            found.append((kinds[0], root / fields[4].lstrip("/"), kinds[-1].split(",")))
    return sorted(found, key=lambda one: one[0] != "cgroup2")


def _upwards(mount: Path, own: str) -> list[Path]:
    """The groups above this process's own: one that holds processes cannot have children with controllers."""
    path = mount / own.lstrip("/")
    return [group for group in path.parents if group == mount or mount in group.parents] or [mount]


def _sweep(parent: Path) -> None:
    """Remove groups that an agent which was killed has left behind."""
    for left in parent.glob(f"{_NAME}*"):
        pid = left.name.removeprefix(_NAME)
        if pid.isdecimal() and (int(pid) == os.getpid() or not _alive(int(pid))):
            _remove(left)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove(folder: Path) -> None:
    """Kill what still runs in a group, and remove it; the kernel needs a moment after the last process."""
    end = time.monotonic() + _REMOVE_SECONDS
    while True:
        for pid in (_text(folder / "cgroup.procs") or "").split():
            with contextlib.suppress(ValueError, ProcessLookupError, PermissionError):
                if int(pid) not in (0, os.getpid()):
                    os.kill(int(pid), 9)
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > end:
                return
            time.sleep(0.02)
        else:
            return


def _refused(folder: Path, error: OSError) -> Unavailable:
    return Unavailable(f"no control group can be made at {folder}: {error.strerror}; {_REMEDY}")


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
