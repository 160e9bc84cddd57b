from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit_targets.flock import Held, take


def test_one_holder_who_says_who_it_is(tmp_path: Path) -> None:
    first = take(tmp_path / "lock")
    with pytest.raises(Held) as held:
        take(tmp_path / "lock", 0.05)
    assert held.value.holder == str(os.getpid())
    os.close(first)
    os.close(take(tmp_path / "lock"))


def test_it_ends_with_its_holder_and_somebody_may_wait_for_that(tmp_path: Path) -> None:
    code = "import sys; from edgekit_targets.flock import take; take(sys.argv[1]); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(Held):
            take(tmp_path / "lock")
        os.kill(holder.pid, signal.SIGKILL)
        os.close(take(tmp_path / "lock", None))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        take(tmp_path / "lock")
    assert not (tmp_path / "elsewhere").exists()
