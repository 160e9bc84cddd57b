"""Real ssh servers, the real agent, real models and processes: what a wire adds to what the simulated fleet shows."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from edgekit.devices.orders import orders
from edgekit.devices.several import on_each
from edgekit.main import main
from edgekit.project.contract import OwnDevice
from edgekit.shipping import push as pushing
from edgekit.shipping.deliver import begin, deliver
from edgekit.shipping.keys import revoke_on, trust_on
from edgekit.shipping.push import Push
from edgekit.shipping.rollout import Receiver, roll_out
from edgekit.shipping.signing import PrivateKey
from edgekit.shipping.state import Question, Rollout, State
from edgekit_targets.errors import InputError
from edgekit_targets.flock import take
from edgekit_targets.progress import Progress, silent
from edgekit_targets.releases.format import MANIFEST, Release, parse_release
from edgekit_targets.releases.install import install
from edgekit_targets.releases.simulated import Tree, read_tree
from edgekit_targets.releases.store import Store
from edgekit_targets.signing.ring import revoke, trust
from tests.edgekit.bare import bare_python
from tests.edgekit.shelf import WINDOW, Shelf
from tests.edgekit.shipping.conftest import Start, id_of, own_devices
from tests.pi.parts.device import Pi, client, device
from tests.targets.releases.bench import steps
from tests.targets.releases.conftest import Owner

pytestmark = pytest.mark.slow

MakeRelease = Callable[..., Path]
LONG = 600.0
ROOT = os.geteuid() == 0


def store_of(pi: Pi) -> Store:
    """A device's releases, seen from here."""
    return Store(pi.home / ".edgekit")


def prepare(pi: Pi, owner: Owner, release: Path) -> None:
    """Let a device trust the owner and run a release."""
    trust(store_of(pi).root, owner.public)
    install(release, store_of(pi), steps(owner.public))


def question(*waves: tuple[str, ...], confirm_seconds: float = LONG) -> Question:
    return Question(
        bundle="b",
        artifact=None,
        model="model",
        waves=waves,
        probe=None,
        confirm_seconds=confirm_seconds,
        force=False,
        others={},
    )


def made(release: Path) -> Callable[[Path], Release]:
    """Instead of composing one from a bundle."""

    def write(out: Path) -> Release:
        shutil.copytree(release, out)
        return parse_release((out / MANIFEST).read_bytes(), "a release")

    return write


def ship(folder: Path, release: Path, own: Mapping[str, OwnDevice], asked: Question) -> Rollout:
    with State(folder / "rollouts.sqlite") as state:
        return deliver(state, begin(state, asked, folder, made(release)), own, silent)


def stages(found: Rollout) -> dict[str, str]:
    return {one.device: one.stage for one in found.deliveries}


def test_eight_devices_in_waves(start: Start, owner: Owner, make_release: MakeRelease, tmp_path: Path) -> None:
    first, second, third = (make_release(counter) for counter in (1, 2, 3))
    pis = start(*"abcdefgh")
    own = own_devices(pis)
    for pi in pis.values():
        prepare(pi, owner, first)

    found = ship(tmp_path, second, own, question(("a",), ("b", "c"), tuple("defgh")))
    assert (found.status, set(stages(found).values())) == ("done", {"done"})
    for pi in pis.values():
        assert (store_of(pi).current(), store_of(pi).previous()) == (id_of(second), id_of(first))
        assert store_of(pi).state().pending is None
        assert not list((pi.home / ".edgekit" / "incoming").iterdir())

    revoke(store_of(pis["d"]).root, owner.public)
    found = ship(tmp_path, third, own, question(("a",), ("b", "c", "d"), tuple("efgh")))
    assert found.status == "failed"
    told = {one.device: one.told for one in found.deliveries if one.told is not None}
    assert set(told) == {"d"}
    assert "which is revoked" in str(told["d"])
    assert [name for name, pi in pis.items() if store_of(pi).current() == id_of(third)] == ["a"]
    assert [name for name, pi in pis.items() if store_of(pi).current() == id_of(second)] == list("bcdefgh")
    assert {stages(found)[name] for name in "efgh"} == {"waiting"}
    assert [path.name for path in tmp_path.glob("releases/*")] == []


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A disk that cannot be written; only root can have one, others get a folder without permission."""
    if not ROOT:
        folder.chmod(0o500)
        yield
        folder.chmod(0o755)
        return
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """A disk without room, with what was there before; only root can have one, others get none that can be written."""
    if not ROOT:
        with read_only(folder):
            yield
        return
    kept = folder.with_name("kept")
    folder.rename(kept)
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)], check=True)
    try:
        shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)
        with (folder / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_what_is_refused_over_the_wire_changes_nothing(
    start: Start, owner: Owner, make_release: MakeRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = make_release(2), make_release(3)
    room = "No space left" if ROOT else "cannot write"
    cases: dict[str, tuple[Path, str]] = {
        "unknown": (make_release(3, signer=Owner()), "signed by a key that is not trusted here"),
        "revoked": (new, "which is revoked"),
        "machine": (make_release(3, architectures=("riscv64",)), "is for riscv64, this device is"),
        "full": (new, room),
        "readonly": (new, "Read-only file system" if ROOT else "cannot write"),
        "older": (make_release(1), "is older .counter 1. than what this device has accepted .2."),
        "busy": (new, "another edgekit is at work on .* wait for it"),
        "waiting": (new, "waits for its confirmation here"),
    }
    pis = start(*cases)
    own = own_devices(pis)
    for pi in pis.values():
        prepare(pi, owner, old)
    revoke(store_of(pis["revoked"]).root, owner.public)
    install(make_release(4), store_of(pis["waiting"]), steps(owner.public), confirm_within=LONG)
    monkeypatch.setattr(pushing, "WAIT_SECONDS", 0.1)

    def attempt(name: str, progress: Progress) -> tuple[Rollout, Tree, Tree]:
        before = read_tree(store_of(pis[name]).folder)
        found = ship(tmp_path / name, cases[name][0], own, question((name,)))
        return found, before, read_tree(store_of(pis[name]).folder)

    busy = take(store_of(pis["busy"]).folder / ".lock", 0.0)
    with full(store_of(pis["full"]).root / "models"), read_only(store_of(pis["readonly"]).root / "models"):
        outcomes = {one.device: one for one in on_each(list(cases), attempt, silent, tries=1)}
    os.close(busy)
    for name, (_, told) in cases.items():
        assert outcomes[name].error is None, outcomes[name].error
        found, before, after = outcomes[name].result or pytest.fail(name)
        (one,) = found.deliveries
        assert (found.status, one.stage) == ("failed", "refused"), (name, found)
        assert one.told is not None
        assert one.told.startswith(f"{name}: ")
        assert "\n" not in one.told
        assert re.search(told, one.told), one.told
        before.pop(".lock", None)
        after.pop(".lock", None)
        assert before == after, name
        assert not list((pis[name].home / ".edgekit" / "incoming").iterdir()), name


class Witness:
    """A receiver that tells when a switch was made, before it is confirmed."""

    def __init__(self, push: Push, switched: Callable[[], None]) -> None:
        self._push, self._switched = push, switched
        self.send, self.confirm = push.send, push.confirm
        self.go_back, self.has_left = push.go_back, push.has_left

    def install(self) -> None:
        self._push.install()
        self._switched()


def test_a_device_that_hangs_up_before_it_is_confirmed_goes_back_by_itself(
    start: Start, owner: Owner, make_release: MakeRelease, tmp_path: Path
) -> None:
    old, new = make_release(1), make_release(2)
    pis = start("a", "b")
    own = own_devices(pis)
    for pi in pis.values():
        prepare(pi, owner, old)
    letters = pis["b"].folder / "authorized_keys"
    key = letters.read_text()
    hung_up: list[str | None] = []

    def hang_up() -> None:
        hung_up.append(store_of(pis["b"]).current())
        letters.write_text("")
        for process in pis["b"].sessions():
            os.kill(process, signal.SIGKILL)

    def reach(name: str) -> AbstractContextManager[Receiver]:
        @contextlib.contextmanager
        def reached() -> Iterator[Receiver]:
            with orders(name, own) as there:
                push = Push(there, new, id_of(new), "model", confirm_seconds=5.0 if name == "b" else LONG)
                yield push if name == "a" else Witness(push, hang_up)

        return reached()

    with State(tmp_path / "rollouts.sqlite") as state:
        number = begin(state, question(("a", "b")), tmp_path, made(new)).number
        found = roll_out(state, number, reach, silent, at_once=1, tries=1)
        assert hung_up == [id_of(new)]
        # The other one had confirmed: it was sent back. This one cannot be told.
        assert (found.status, stages(found)) == ("returning", {"a": "returned", "b": "returning"})
        assert store_of(pis["a"]).current() == id_of(old)
        deadline = time.monotonic() + 60
        while store_of(pis["b"]).current() != id_of(old):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        letters.write_text(key)
        found = roll_out(state, number, reach, silent, tries=1)
        assert (found.status, stages(found)) == ("failed", {"a": "returned", "b": "refused"})
    assert store_of(pis["b"]).current() == id_of(old)
    assert not subprocess.run(["pgrep", "-f", str(pis["b"].home / ".edgekit")], capture_output=True, check=False).stdout


def test_keys_are_trusted_and_revoked_there(start: Start, owner: Owner) -> None:
    pis = start("a")
    own = own_devices(pis)
    trust_on("a", own, owner.public)
    with orders("a", own) as there:
        assert there.ask("keys", "list") == [{"trusted": [owner.public.id], "revoked": []}]
        revoke_on("a", own, owner.public)
        assert there.ask("keys", "list") == [{"trusted": [], "revoked": [owner.public.id]}]
        assert there.ask("releases") == []


def test_a_device_without_cryptography_is_to_be_set_up(
    owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: Path
) -> None:
    bare_python(tmp_path / "bare" / "usr")
    with device(tmp_path / "bare", tmp_path / "pi", "pi") as pi:
        monkeypatch.setenv("PATH", f"{client(tmp_path / 'bin', [pi])}:{os.environ['PATH']}")
        with pytest.raises(
            InputError, match=r"cryptography is not installed; put it there with: edgekit device setup pi$"
        ):
            trust_on("pi", own_devices(["pi"]), owner.public)


def test_the_same_command_goes_on_after_it_was_killed(
    start: Start,
    owner: Owner,
    make_release: MakeRelease,
    make_shelf: Callable[..., Shelf],
    key: PrivateKey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = make_release(1)
    pis = start("a", "b", "c")
    for pi in pis.values():
        prepare(pi, owner, old)
        trust(store_of(pi).root, key.public)
    (tmp_path / "edgekit.toml").write_text("".join(f'[devices.{name}]\naddress = "ssh://{name}"\n' for name in pis))
    (tmp_path / "own.key").write_bytes(
        key.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    bundle = str(make_shelf(verdict=None, measured=False).bundle)
    words = ["ship", bundle, "--artifact", WINDOW, "--force", "--key", "own.key", "--device", "a,b,c"]

    controller = subprocess.Popen([sys.executable, "-m", "edgekit", *words], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while (there := unfinished_there(tmp_path)) is None or "switching" not in list(stages(there).values())[1:]:
        assert time.monotonic() < deadline
        assert controller.poll() is None
        time.sleep(0.01)
    controller.kill()
    controller.wait()
    first = (store_of(pis["a"]).folder / "current").lstat()

    assert main([*words, "--json"]) == 0
    printed = capsys.readouterr()
    assert "going on with release" in printed.err
    found = json.loads(printed.out)["rollout"]
    assert (found["status"], found["release"]) == ("done", there.release)
    for pi in pis.values():
        assert (store_of(pi).current(), store_of(pi).previous()) == (there.release, id_of(old))
        assert store_of(pi).state().pending is None
    assert (store_of(pis["a"]).folder / "current").lstat() == first  # it was done, so it was not asked again

    assert main(["device", "rollback", "a,b"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{name}: {id_of(old)} is current" for name in "ab"]
    assert main(["device", "releases", "a,c", "--json"]) == 0
    a, c = json.loads(capsys.readouterr().out)["devices"]
    assert (a["result"][0]["current"], c["result"][0]["current"]) == (id_of(old), there.release)
    assert main(["device", "releases", "a"]) == 0
    assert there.release in capsys.readouterr().out
    install(make_release(2), store_of(pis["c"]), steps(owner.public), force_older=True)
    install(make_release(3), store_of(pis["c"]), steps(owner.public), force_older=True)
    assert main(["device", "prune", "c"]) == 0
    assert "removed 1-" in capsys.readouterr().out
    assert len(store_of(pis["c"]).held()) == 2


def unfinished_there(folder: Path) -> Rollout | None:
    """What the command in ``folder`` is at, read while it is at it."""
    file = folder / "state" / "edgekit" / "rollouts.sqlite"
    if not file.exists():
        return None
    with State(file) as state:
        return next(iter(state.unfinished()), None)
