"""The device's commands as real processes, with the real runtime, and the process that watches over a switch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit_targets.releases.format import Limits
from edgekit_targets.releases.store import Store
from edgekit_targets.signing.ring import read_ring
from edgekit_targets.spawn import environment, python_module
from tests.targets.releases.bench import steps, store_at
from tests.targets.releases.conftest import Owner

Make = Callable[..., Path]
PATIENCE_SECONDS = 120.0


def command(*arguments: str | Path) -> list[str]:
    return [*python_module("edgekit_targets"), *map(str, arguments)]


def call(*arguments: str | Path, told: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(*arguments), env=environment(), input=told, capture_output=True, check=False)


def answer(*arguments: str | Path, told: bytes = b"") -> Any:
    done = call(*arguments, told=told)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"\n") == 1
    return json.loads(done.stdout)


def refused(code: int, message: str, *arguments: str | Path) -> None:
    done = call(*arguments)
    assert done.returncode == code, done.stderr
    assert done.stdout == b""
    assert done.stderr.startswith(b"edgekit: ")
    assert done.stderr.count(b"\n") == 1
    assert message in done.stderr.decode()


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


def watchers(root: Path) -> list[int]:
    """The processes that watch over a switch below ``root``."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"edgekit_targets.releases.watchdog" in line and str(root).encode() in line:
            found.append(int(folder.name))
    return found


@pytest.fixture
def store(root: Path) -> Store:
    """The same store, looked at from outside."""
    return Store(root)


@pytest.mark.slow
def test_a_life_of_releases(root: Path, store: Store, make_release: Make) -> None:
    one, two = make_release(1), make_release(2)
    first = answer("install", one, "--root", root)
    assert (first["state"], first["changed"], first["previous"]) == ("confirmed", True, None)
    assert Path(first["path"]).read_bytes() == (one / "model.onnx").read_bytes()
    assert first["trial"]["max_abs_error"] <= first["trial"]["tolerance"]
    second = answer(
        "install", two, "--root", root, "--confirm-within", "600", "--probe", 'test -f "$EDGEKIT_RELEASE/model.h"'
    )
    assert (second["state"], second["previous"]) == ("waiting", first["release"])
    assert 0 < second["seconds_left"] <= 600
    assert second["health"]["command"] == "succeeded"
    assert len(watchers(root)) == 1
    listed = answer("releases", "--root", root)
    assert (listed["current"], listed["waiting"], listed["accepted"]) == (second["release"], second["release"], 1)
    assert [held["counter"] for held in listed["releases"]] == [1, 2]
    confirmed = answer("confirm", "--root", root, "--release", second["release"])
    assert confirmed == {"name": "model", "current": second["release"], "changed": True}
    wait_for(lambda: not watchers(root))
    back = answer("rollback", "--root", root, "--from", second["release"])
    assert (back["current"], back["previous"], back["changed"]) == (first["release"], second["release"], True)
    assert not answer("rollback", "--root", root, "--from", second["release"])["changed"]
    assert answer("prune", "--root", root)["removed"] == []
    assert answer("recover", "--root", root)["went_back_from"] is None
    assert store.current() == first["release"]


@pytest.mark.slow
def test_a_release_that_is_not_well_is_taken_back(root: Path, store: Store, make_release: Make) -> None:
    answer("install", make_release(1), "--root", root)
    before = store.current()
    refused(5, "golden vectors do not come back", "install", make_release(2, error=0.5), "--root", root)
    limits = Limits(p99_seconds=1e-9, memory_bytes=None, process_memory_bytes=None)
    refused(5, "is too slow on this device", "install", make_release(2, limits=limits), "--root", root)
    refused(
        5, "--probe 'echo no answer; exit 3' ended with exit code 3: no answer",
        "install", make_release(2), "--root", root, "--probe", "echo no answer; exit 3",
    )  # fmt: skip
    refused(
        5, "--probe 'sleep 600' did not end within 0.2 s",
        "install", make_release(2), "--root", root, "--probe", "sleep 600", "--probe-within", "0.2",
    )  # fmt: skip
    assert store.current() == before
    assert store.held() == [before]
    wait_for(lambda: not watchers(root))


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_an_installer_that_ends_in_the_middle_is_cleaned_up_after(
    root: Path, store: Store, owner: Owner, make_release: Make, end: signal.Signals
) -> None:
    from edgekit_targets.releases.install import install

    install(make_release(1), store_at(root), steps(owner.public))
    before = store.current()
    second = make_release(2)
    asked = command("install", second, "--root", root, "--probe", "exec sleep 600")
    with subprocess.Popen(asked, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for(lambda: store.current() != before)
        assert len(watchers(root)) == 1
        os.kill(process.pid, end)
    wait_for(lambda: store.state().pending is None)
    assert store.current() == before
    wait_for(lambda: not watchers(root))


@pytest.mark.slow
def test_a_release_that_nobody_confirms_is_taken_back(
    root: Path, store: Store, owner: Owner, make_release: Make
) -> None:
    from edgekit_targets.releases.install import install

    install(make_release(1), store_at(root), steps(owner.public))
    before = store.current()
    second = answer("install", make_release(2), "--root", root, "--confirm-within", "1")
    wait_for(lambda: store.current() == before)
    wait_for(lambda: not watchers(root))
    refused(5, "is not current here", "confirm", "--root", root, "--release", second["release"])
    refused(2, "nothing waits for a confirmation", "confirm", "--root", root)
    assert answer("releases", "--root", root)["unfinished"] is None


def test_keys(root: Path, owner: Owner, tmp_path: Path) -> None:
    other = Owner()
    (tmp_path / "other.pub").write_bytes(other.public.pem)
    assert answer("keys", "list", "--root", root) == {"trusted": [owner.public.id], "revoked": []}
    assert answer("keys", "trust", tmp_path / "other.pub", "--root", root) == {"key": other.public.id, "trusted": True}
    assert len(read_ring(root).trusted) == 2
    answer("keys", "revoke", "-", "--root", root, told=owner.public.pem)
    assert answer("keys", "list", "--root", root) == {"trusted": [other.public.id], "revoked": [owner.public.id]}
    refused(
        2,
        "revoked there, which is for good",
        "keys",
        "trust",
        root / "keys/trusted" / f"{owner.public.id[:16]}.pub",
        "--root",
        root,
    )


def test_going_back_when_the_machine_starts_needs_no_packages(root: Path, owner: Owner, make_release: Make) -> None:
    """The installation of a start before this one: nobody watches it any more."""
    from edgekit_targets.releases.install import install

    store = store_at(root)
    first = install(make_release(1), store, steps(owner.public)).release
    second = install(make_release(2), store, steps(owner.public), confirm_within=600.0).release
    code = f"""import sys
from edgekit_targets.releases.commands import main
assert main(["recover", "--root", {str(root)!r}]) == 0
assert not {{"numpy", "onnxruntime", "cryptography"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"name": "model", "went_back_from": second, "current": first}


def test_what_makes_no_sense_is_one_line(tmp_path: Path) -> None:
    refused(2, "invalid choice: 'launch'", "launch")
    refused(2, "the following arguments are required: FOLDER", "install")
    refused(2, "no model model was installed below", "rollback", "--root", tmp_path)
    refused(2, "must be 1 to 63", "confirm", "--name", "../up", "--root", tmp_path)
    refused(2, "--keep must be at least 0", "prune", "--keep", "-1", "--root", tmp_path)
    refused(2, "name a release folder", "install", tmp_path / "nowhere", "--root", tmp_path)
    for seconds in ("0", "nan"):
        refused(2, "--probe-within must be from", "install", tmp_path, "--probe-within", seconds, "--root", tmp_path)
    assert list(tmp_path.iterdir()) == []
