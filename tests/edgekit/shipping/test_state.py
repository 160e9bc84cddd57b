from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit.shipping.state import Question, State
from edgekit_targets.errors import CheckFailed, InputError

QUESTION = Question(
    bundle="/work/bundle",
    artifact="lstm-window-fp32-portable-plain",
    model="model",
    waves=(("a",), ("b", "c")),
    probe=None,
    confirm_seconds=120.0,
    force=False,
    others={},
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "rollouts.sqlite"


@pytest.fixture
def state(file: Path) -> Iterator[State]:
    with State(file) as opened:
        yield opened


def test_the_next_process_knows_where_the_last_had_got_to(file: Path) -> None:
    with State(file) as state:
        number = state.begin(QUESTION, "7-abcdef012345", Path("/releases/7")).number
        state.mark(number, "a", "done")
        state.mark(number, "b", "refused", CheckFailed("b: golden vectors"))
        state.mark(number, "b", "refused")
        state.end(number, "returning")
    with State(file) as state:
        (found,) = state.unfinished()
    assert (found.release, found.folder, found.question) == ("7-abcdef012345", "/releases/7", QUESTION)
    assert [(one.device, one.wave, one.stage, one.told, one.code) for one in found.deliveries] == [
        ("a", 0, "done", None, 0),
        ("b", 1, "refused", "b: golden vectors", 5),
        ("c", 1, "waiting", None, 0),
    ]


def test_what_has_ended_is_not_gone_on_with(state: State) -> None:
    first, second, third = (state.begin(QUESTION, f"{number}-ab", Path("/r")).number for number in range(3))
    state.end(second, "done")
    assert [one.number for one in state.unfinished()] == [third, first]
    state.end(third, "failed")
    state.end(first, "done")
    assert state.unfinished() == []


def test_threads_may_share_it(state: State) -> None:
    devices = tuple(f"pi{number}" for number in range(8))
    number = state.begin(Question(**{**vars(QUESTION), "waves": (devices,)}), "1-ab", Path("/r")).number

    def work(device: str) -> None:
        for _ in range(5):
            state.mark(number, device, "switching")
        state.mark(number, device, "done")

    threads = [threading.Thread(target=work, args=(device,)) for device in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.stage for one in state.read(number).deliveries} == {"done"}


HOLDING = """
import os, sys
from pathlib import Path
from edgekit.shipping.state import State
with State(Path(sys.argv[1])) as state, state.hold(int(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_process_at_a_time_works_on_a_rollout(file: Path, state: State) -> None:
    one, other = (state.begin(QUESTION, f"{number}-ab", Path("/r")).number for number in range(2))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(file), str(one)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(InputError, match=f"another edgekit is at work on rollout {one}"), state.hold(one):
        pass
    with state.hold(other):
        pass
    holder.kill()  # nothing stale stays behind
    holder.wait()
    holder.stdout.close()
    holder.stdin.close()
    with state.hold(one):
        pass


def test_what_is_no_state_is_one_line(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"something else entirely" * 100)
    with pytest.raises(InputError, match="where edgekit keeps its rollouts, cannot be used"), State(file):
        pass
    (tmp_path / "taken").touch()
    with pytest.raises(InputError, match="cannot be used"), State(tmp_path / "taken" / "rollouts.sqlite"):
        pass


def test_a_newer_edgekits_is_let_be(file: Path) -> None:
    with State(file):
        pass
    newer = sqlite3.connect(file)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(InputError, match="newer edgekit"), State(file):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)], check=True)
    try:
        with State(small / "rollouts.sqlite") as state:
            number = state.begin(QUESTION, "1-ab", Path("/r")).number
            (small / "filler").write_bytes(bytes(4096) * (os.statvfs(small).f_bfree))
            with pytest.raises(InputError, match="cannot be written"):
                state.mark(number, "a", "done")
            (small / "filler").unlink()
            assert state.read(number).deliveries[0].stage == "waiting"
            state.mark(number, "a", "done")
            assert state.read(number).deliveries[0].stage == "done"
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
