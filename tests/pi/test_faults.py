"""Six devices at once, five of which cannot do it: each ends in its own clear line while the sixth finishes."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.devices.address import Address
from edgekit.devices.failures import DeviceLost
from edgekit.devices.remote import remote_agent
from edgekit.devices.several import on_each
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit_targets.errors import EdgekitError, InputError
from edgekit_targets.progress import Progress
from edgekit_targets.types.profile import Profile
from tests.pi.conftest import Start
from tests.pi.parts import lag
from tests.pi.parts.device import Pi

pytestmark = pytest.mark.slow

QUICK = Plan(launches=1, rounds=1, samples=8, seconds=0.5, warmup_seconds=0.01)
DYING = "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n"


@contextlib.contextmanager
def disk(folder: Path, options: str) -> Iterator[None]:
    """A disk of its own at ``folder``, as only root can have one; others get a folder without permission."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        folder.chmod(0o500)
        yield
        folder.chmod(0o700)
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def give_runtime(pi: Pi, ready: Pi) -> Path:
    """The packages of a device that was set up, by hard links."""
    target = pi.home / ".edgekit" / "runtimes" / "default"
    shutil.copytree(ready.home / ".edgekit" / "runtimes" / "default", target, copy_function=os.link)
    return target


def test_each_fault_is_one_line_and_the_others_finish(start: Start, ready: Pi, one_file: Path, tmp_path: Path) -> None:
    give_runtime(start("good"), ready)
    start("cut", more=f"  ProxyCommand {sys.executable} {lag.__file__} %h %p 200000 60000")
    full = start("full")
    frozen = start("frozen")
    give_runtime(frozen, ready)
    crashing = give_runtime(start("crashing"), ready) / "onnxruntime" / "__init__.py"
    crashing.unlink()  # a hard link, which the others must keep
    crashing.write_text(DYING, encoding="utf-8")
    changed = start("changed")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    key = (tmp_path / "other.pub").read_text()
    (changed.folder / "known_hosts").write_text(f"[127.0.0.1]:{changed.port} {key}")

    def measure(name: str, progress: Progress) -> Profile:
        def told(stage: str, done: float, total: float) -> None:
            if name == "frozen" and stage == "profile":
                frozen.freeze()
            progress(stage, done, total)

        with remote_agent(Address(host=name), name) as agent:
            return profile(one_file, agent, plan=QUICK, progress=told)

    stages: set[str] = set()
    with disk(full.home / ".edgekit", "size=1m"):
        found = on_each(
            ["good", "cut", "full", "frozen", "crashing", "changed"],
            measure,
            lambda stage, done, total: stages.add(stage),
            tries=1,
        )
    outcome = {one.device: one for one in found}
    result = outcome["good"].result
    assert result is not None, outcome["good"].error
    assert [one.latency is not None for one in result.measurements] == [True]
    assert "good: profile" in stages
    errors = {name: one.error for name, one in outcome.items() if name != "good"}
    assert all(error is not None and "\n" not in str(error) for error in errors.values()), errors
    assert isinstance(errors["cut"], DeviceLost)
    assert "cut" in str(errors["cut"])
    assert isinstance(errors["full"], InputError)
    assert ("too full" if os.geteuid() == 0 else "cannot be written") in str(errors["full"])
    assert isinstance(errors["frozen"], DeviceLost)
    assert isinstance(errors["crashing"], InputError)
    assert "SIGILL" in str(errors["crashing"])
    assert "edgekit device setup crashing" in str(errors["crashing"])
    assert isinstance(errors["changed"], InputError)
    assert "ssh-keygen -R" in str(errors["changed"])


def test_what_answers_no_ssh_is_one_line(start: Start) -> None:
    pi = start("pi")
    for name, address, told in [
        ("nowhere", Address(host="no-such-host.invalid"), "does not resolve"),
        ("closed", Address(host="127.0.0.1", port=1), "refuses connections"),
    ]:
        with pytest.raises(InputError, match=told), remote_agent(address, name):
            pass
    (pi.folder / "authorized_keys").write_text("")
    with pytest.raises(InputError, match="ssh-copy-id"), remote_agent(Address(host="pi"), "pi"):
        pass


@pytest.mark.parametrize(
    ("login", "told"),
    [
        ("PATH=/nowhere; ", "has no python3"),
        ("python3() { echo Python 2 is all I have; }; ", "gave no answer that makes sense"),
    ],
)
def test_a_device_without_what_is_needed(start: Start, login: str, told: str) -> None:
    start("pi", prefix=login)
    with pytest.raises(EdgekitError, match=told) as caught, remote_agent(Address(host="pi"), "pi"):
        pass
    assert "\n" not in str(caught.value)


def test_a_home_that_cannot_be_written(start: Start) -> None:
    pi = start("pi")
    with disk(pi.home, "ro"), pytest.raises(InputError, match="cannot be written"):  # noqa: SIM117
        with remote_agent(Address(host="pi"), "pi"):
            pass
