from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from edgekit.devices import openssh, snippets
from edgekit.devices.failures import DeviceLost
from edgekit.devices.setup import set_up, tear_down
from edgekit.devices.wheels import pinned
from edgekit_targets.errors import EdgekitError, InputError
from edgekit_targets.progress import silent
from tests.edgekit.devices.conftest import AskPlace, Board

OLD = """python3() {
    shift; code="import sys; sys.version_info = (3, 9, 2, 'final', 0)
$1"; shift; command python3 -c "$code" "$@"
}
"""


def gone(pid: int, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.02)
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("login", "told"),
    [
        (OLD, r"pi has Python 3\.9\.2; edgekit's agent needs 3\.11 or newer there"),
        ("python3() { echo edgekit-device:7; }\n", "answered something else than it was asked"),
        ("python3() { echo 'edgekit-device:{}'; }\n", "answered something else than it was asked"),
        ("python3() { echo 'edgekit-device:{'; }\n", "gave no answer that makes sense"),
        ("python3() { echo broken >&2; return 3; }\n", "ended with exit code 3 and said: broken"),
        ("yes; ", "says things without end"),
        ("yes >&2; ", "says things without end"),
    ],
)
def test_what_a_device_answers_wrongly_is_one_line(
    place: AskPlace, login: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openssh, "_MOST_BYTES", 1 << 20)
    with pytest.raises(EdgekitError, match=told) as caught:
        place(login)
    assert "\n" not in str(caught.value)


def test_a_login_may_greet_before_and_after(place: AskPlace) -> None:
    there = place("echo welcome; echo 'edgekit-device:{}'; trap 'echo bye' EXIT; ")
    assert there.found.python[:2] >= (3, 11)


def test_what_waits_on_a_line_that_died_ends_itself(place: AskPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snippets, "_GRACE_SECONDS", 1)
    there = place()
    read, write = os.pipe()
    noted = Path(there.folder) / "pid"
    code = f"import os, sys; open({str(noted)!r}, 'w').write(str(os.getpid())); sys.stdin.read()"
    with os.fdopen(read, "rb") as never, pytest.raises(DeviceLost, match="no answer in 1 s"):
        there.ask(code, given=never, seconds=1.0)
    assert gone(int(noted.read_text()))
    os.close(write)


def test_what_a_transfer_left_behind_is_taken_away(place: AskPlace) -> None:
    there = place()
    store = Path(there.folder) / "store"
    store.mkdir()
    for name in ("old.7.part", "new.8.part", "kept.onnx"):
        (store / name).touch()
        if not name.startswith("new"):
            os.utime(store / name, (0, 0))
    place()
    assert {path.name for path in store.iterdir()} == {"new.8.part", "kept.onnx"}


def test_another_folder_than_the_home(place: AskPlace, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "others").touch()
    there = place(folder=str(tmp_path / "data"))
    there.put(b"content", "store", "one")
    assert (tmp_path / "data" / ".edgekit" / "store" / "one").read_bytes() == b"content"
    assert not (tmp_path / "home" / ".edgekit").exists()
    tear_down(there)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["others"]


def test_releases_and_their_keys_stay_when_the_rest_goes(place: AskPlace) -> None:
    there = place()
    folder = Path(there.folder)
    there.put(b"content", "store", "one")
    (folder / "keys").mkdir()
    (folder / "models" / "model").mkdir(parents=True)
    assert tear_down(there) == ["models"], "an empty folder is nothing to keep"
    assert [path.name for path in folder.iterdir()] == ["models"]
    (folder / "models" / "model").rmdir()
    assert tear_down(there) == []
    assert not folder.exists()


def test_a_folder_that_cannot_be_made(place: AskPlace) -> None:
    with pytest.raises(InputError, match=r"cannot be written: .*\[devices.pi\] folder = "):
        place(folder="/proc/nothing")


@pytest.mark.skipif(os.geteuid() != 0 and not os.environ.get("CI"), reason="only root can mount a disk")
def test_a_home_that_no_library_can_be_loaded_from(board: Board, place: AskPlace, tmp_path: Path) -> None:
    home = board()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec,size=4m", "none", str(home)], check=True)
    try:
        there = place()
        told = r"mounted noexec; .*\[devices.pi\] folder = .* or: sudo mount -o remount,exec"
        with pytest.raises(InputError, match=told):
            set_up(there, tmp_path / "cache", silent, pinned().requirements)
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)
