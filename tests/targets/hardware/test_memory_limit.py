from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit_targets.hardware.memory_limit import LimitedGroup, Unavailable

MIB = 2**20
TOUCH = "b = bytearray({} * 2**20)\nfor i in range(0, len(b), 4096): b[i] = 1"
Machine = Callable[..., Path]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A root folder of a machine with the mounts and groups given; its folders vanish as a kernel's do."""

    def rmdir(path: Path) -> None:
        shutil.rmtree(path)

    monkeypatch.setattr(Path, "rmdir", rmdir)

    def make(mounts: list[str], own: str, groups: dict[str, str], cmdline: str = "quiet") -> Path:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/mountinfo").write_text("".join(f"{line}\n" for line in mounts))
        (tmp_path / "proc/self/cgroup").write_text(own)
        (tmp_path / "proc/cmdline").write_text(cmdline)
        for name, handed_down in groups.items():
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / name / "cgroup.subtree_control").write_text(handed_down)
            (tmp_path / name / "cgroup.controllers").write_text("cpu memory pids")
        return tmp_path

    return make


V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "35 30 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"
HYBRID = "31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"
OWN = "0::/user.slice/user-1000.slice/session-3.scope\n"


def test_version_2_makes_its_group_above_the_one_that_holds_processes(machine: Machine) -> None:
    base = "sys/fs/cgroup"
    root = machine([V2], OWN, {base: "memory pids", f"{base}/user.slice/user-1000.slice": "memory"})
    folder = root / base / f"user.slice/user-1000.slice/edgekit-{os.getpid()}"
    folder.mkdir()  # left by an agent that had our number
    (folder / "memory.swap.max").write_text("max\n")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = folder.parent / f"edgekit-{dead.pid}"
    left.mkdir()
    other = folder.parent / f"edgekit-{os.getppid()}"
    other.mkdir()
    with LimitedGroup(64 * MIB, root) as group:
        assert (folder / "memory.max").read_text() == f"{64 * MIB}\n"
        assert not left.exists()
        assert other.exists()
        group.join()
        assert (folder / "cgroup.procs").read_text() == "0"
        assert (group.kills(), group.peak_bytes()) == (None, None)
        (folder / "memory.events").write_text("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n")
        (folder / "memory.peak").write_text("4096\n")
        assert (group.kills(), group.peak_bytes()) == (2, 4096)
        (folder / "cgroup.procs").write_text("")
    assert not folder.exists()


def test_version_2_turns_swap_off(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    root = machine([V2], OWN, {"sys/fs/cgroup/user.slice/user-1000.slice": "memory"})
    mkdir = Path.mkdir

    def kernel(path: Path, *arguments: Any, **options: Any) -> None:
        mkdir(path, *arguments, **options)
        if path.name.startswith("edgekit-"):
            (path / "memory.swap.max").write_text("max\n")

    monkeypatch.setattr(Path, "mkdir", kernel)
    with LimitedGroup(MIB, root) as group:
        assert (group._folder / "memory.swap.max").read_text() == "0\n"


def test_a_hybrid_machine_has_its_memory_controller_in_version_1(machine: Machine) -> None:
    own = "9:name=systemd:/\n4:cpu,cpuacct:/a\n3:memory:/job/7\n0::/\n"
    root = machine([HYBRID, V1], own, {"sys/fs/cgroup/unified": "", "sys/fs/cgroup/memory/job/7": ""})
    with LimitedGroup(8 * MIB, root) as group:
        folder = root / f"sys/fs/cgroup/memory/job/7/edgekit-{os.getpid()}"
        assert (folder / "memory.limit_in_bytes").read_text() == f"{8 * MIB}\n"
        assert (folder / "memory.swappiness").read_text() == "0\n", "swap is not accounted for on this machine"
        (folder / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
        assert group.kills() == 1


@pytest.mark.parametrize(
    ("mounts", "groups", "cmdline", "words"),
    [
        (
            [],
            {},
            "cgroup_disable=memory",
            r"\(cgroup_disable=memory\); .*cgroup_enable=memory.*/boot/firmware",
        ),
        ([], {}, "quiet", "no control group with a memory controller is mounted"),
        ([V2], {"sys/fs/cgroup": ""}, "quiet", "not handed down.*systemd-run --user --scope"),
    ],
)
def test_where_there_is_none_the_reason_has_a_remedy(
    machine: Machine, mounts: list[str], groups: dict[str, str], cmdline: str, words: str
) -> None:
    root = machine(mounts, OWN, groups, cmdline)
    with pytest.raises(Unavailable, match=words), LimitedGroup(MIB, root):
        pass


def test_no_permission_has_a_remedy_and_leaves_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    root = machine([V2], OWN, {"sys/fs/cgroup/user.slice/user-1000.slice": "memory"})
    parent = root / "sys/fs/cgroup/user.slice/user-1000.slice"
    write = Path.write_text

    def refuse(path: Path, text: str, **options: str) -> int:
        if path.name == "memory.max":
            raise PermissionError(13, "Permission denied", str(path))
        return write(path, text, **options)

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(Unavailable, match="Permission denied; run it as root"), LimitedGroup(MIB, root):
        pass
    assert list(parent.glob("edgekit-*")) == []


def test_a_machine_without_control_groups(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="only Linux has"), LimitedGroup(MIB, tmp_path):
        pass


def test_a_process_inside_a_real_limit_lives_or_is_killed() -> None:
    try:
        with LimitedGroup(96 * MIB) as group:
            small = subprocess.run([sys.executable, "-c", TOUCH.format(40)], preexec_fn=group.join, check=False)
            assert (small.returncode, group.kills()) == (0, 0)
            large = subprocess.run([sys.executable, "-c", TOUCH.format(200)], preexec_fn=group.join, check=False)
            assert (large.returncode, group.kills()) == (-9, 1)
            peak = group.peak_bytes()
            assert peak is None or 90 * MIB < peak <= 96 * MIB
            idle = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], preexec_fn=group.join)
    except Unavailable as error:
        pytest.skip(f"no memory limit can be enforced here: {error}")
    assert idle.wait(30) == -9, "whatever still runs inside ends with the group"
    assert not group._folder.exists()
