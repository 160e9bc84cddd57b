"""Six devices at once, five of which cannot do it: each ends in its own clear line while the sixth finishes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import edgekit.api.profile as api
from edgekit.devices import remote, several
from edgekit.devices.address import Address
from edgekit.devices.remote import RemoteAgent, remote_agent
from edgekit.devices.several import on_each
from edgekit.main import main
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit_targets.agent.protocol import Open, Opened
from edgekit_targets.errors import EdgekitError, InputError
from edgekit_targets.progress import Progress, silent
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


def in_the_background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


def wait_until(done: Callable[[], object], seconds: float = 120.0) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.1)
    return bool(done())


def test_each_fault_is_one_line_and_the_others_finish(
    start: Start,
    ready: Pi,
    one_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(one_file, bundle)
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
    names = ["good", "cut", "full", "frozen", "crashing", "changed"]
    (tmp_path / "edgekit.toml").write_text(
        "".join(f'[devices.{name}]\naddress = "ssh://{name}"\n' for name in names), encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(several, "PAUSE_SECONDS", 1.0)
    monkeypatch.setattr(remote, "SILENCE_SECONDS", 30.0)
    monkeypatch.setattr(api, "profile", partial(api.profile, plan=QUICK))

    def freeze_once_it_works() -> None:
        if wait_until(frozen.running):
            frozen.freeze()

    in_the_background(freeze_once_it_works)
    with disk(full.home / ".edgekit", "size=1m"):
        code = main(["profile", "bundle", "--device", ",".join(names), "--target", "cpu", "--json"])
    printed = capsys.readouterr()
    assert code == 2, printed.err
    document = json.loads(printed.out)
    outcome = {one["device"]: one for one in document["devices"]}
    assert [name for name, one in outcome.items() if one["error"] is None] == ["good"], printed.err
    (measured,) = outcome["good"]["result"]["measurements"]
    assert measured["latency"] is not None, measured["warnings"]
    assert len(list((bundle / "profiles").glob("*.json"))) == 1
    for name, told in {
        "cut": r"connection to cut broke: .* \(tried 3 times\)",
        "full": "too full" if os.geteuid() == 0 else "cannot be written",
        "frozen": r"frozen.* \(tried 3 times\)",
        "crashing": "SIGILL.*edgekit device setup crashing",
        "changed": "ssh-keygen -R",
    }.items():
        (line,) = [line for line in printed.err.splitlines() if line.startswith(f"edgekit: {name}: ")]
        assert re.search(told, line), line
        assert outcome[name]["error"] == line.removeprefix(f"edgekit: {name}: ")
    # Its ssh server is stopped in mid-connection: nothing but the silence tells the agent there.
    assert wait_until(lambda: not frozen.running())


def test_a_device_that_restarts_goes_on_where_it_was(
    start: Start, ready: Pi, one_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(one_file, bundle)
    pi = start("pi")
    give_runtime(pi, ready)
    opened: list[str] = []
    calm: list[bool] = []
    original = RemoteAgent.open

    def note(agent: RemoteAgent, request: Open) -> Opened:
        opened.append(request.handle.partition(".")[0])
        if opened == ["0", "1"]:
            (journal,) = bundle.glob("profiles/unfinished-*.jsonl")
            entry = json.loads(journal.read_text().splitlines()[-1])
            calm.append(not any(one["disturbances"] for one in entry["slices"]))
            pi.stop()
            pi.serve()
        return original(agent, request)

    monkeypatch.setattr(RemoteAgent, "open", note)
    plan = dataclasses.replace(QUICK, launches=2)

    def measure(name: str, progress: Progress) -> Profile:
        with remote_agent(Address(host=name), name) as agent:
            return profile(bundle, agent, targets=["cpu"], plan=plan, progress=progress)

    (outcome,) = on_each(["pi"], measure, silent, pause_seconds=1.0)
    assert outcome.result is not None, outcome.error
    # What had arrived is not measured again, unless other work on this machine disturbed it.
    assert opened == (["0", "1", "1"] if calm == [True] else ["0", "1", "0", "1"])
    (measured,) = outcome.result.measurements
    assert measured.latency is not None
    assert measured.latency.launches == 2
    assert measured.complete


def ssh_of(tmp_path: Path) -> list[int]:
    """The ssh processes of a controller, in sessions of their own: the agent's, and that which holds the connection."""
    lines = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            lines[int(process.name)] = (process / "cmdline").read_bytes()
    sockets = {
        found[1]
        for line in lines.values()
        if str(tmp_path).encode() in line and (found := re.search(rb"ControlPath=([^%]+)/", line))
    }
    return [number for number, line in lines.items() if any(one in line for one in sockets)]


def test_nothing_stays_when_the_workstation_dies(start: Start, ready: Pi, one_file: Path, tmp_path: Path) -> None:
    shutil.copytree(one_file, tmp_path / "bundle")
    pi = start("pi")
    give_runtime(pi, ready)
    with subprocess.Popen(
        [sys.executable, "-m", "edgekit", "profile", "bundle", "--device", "ssh://pi"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as controller:
        assert wait_until(lambda: list((pi.home / ".edgekit").glob("store/*.onnx")) and pi.running())
        ours = [controller.pid, *ssh_of(tmp_path)]
        assert len(ours) >= 3
        for process_id in ours:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
    assert wait_until(lambda: not pi.running())


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
