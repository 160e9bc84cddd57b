"""A real model inside a limit that the real kernel enforces."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.protocol import Enforce, Open, Run
from edgekit_targets.errors import CheckFailed
from edgekit_targets.hardware.memory_limit import LimitedGroup, Unavailable

MIB = 2**20
RUN = Run(handle="one", samples=3, max_seconds=5.0, warmup_seconds=0.0)


@pytest.fixture
def groups() -> Iterator[Path]:
    """The folder in which groups are made here; it must hold none of ours afterwards."""
    try:
        with LimitedGroup(64 * MIB) as probe:
            folder = probe._folder.parent
    except Unavailable as error:
        pytest.skip(f"no memory limit can be enforced here: {error}")
    before = set(folder.glob("edgekit-*"))
    yield folder
    assert set(folder.glob("edgekit-*")) <= before, "a group was left behind"


@pytest.mark.slow
def test_lives_above_its_reported_peak_and_is_killed_well_below(
    groups: Path, hungry: Callable[[int], Path], asking: Callable[..., Open]
) -> None:
    request = asking(hungry(240))
    with LocalAgent() as agent:
        memory = agent.open(request).memory
        agent.close("one")
        assert memory is not None
        assert memory.added_bytes > 200 * MIB
        for share, lives in ((1.1, True), (1.3, True), (0.6, False), (1.2, True), (0.4, False)):
            found = agent.enforce(Enforce(model=request, run=RUN, limit_bytes=int(memory.peak_bytes * share)))
            assert found.lived == lives, f"at {share} times its peak: {found}"
            assert (found.oom_kills or 0) == int(not lives)
            assert ("the kernel killed it" in str(found.reason)) == (not lives)
            assert found.charged_peak_bytes is None or found.charged_peak_bytes <= found.limit_bytes
        assert agent.open(request).handle == "one", "the agent goes on, and the limit is gone"


def test_what_is_wrong_with_the_model_is_no_want_of_memory(
    groups: Path, matmul: Path, asking: Callable[..., Open]
) -> None:
    with LocalAgent() as agent:
        found = agent.enforce(Enforce(model=asking(matmul, inputs={"x": (1, 7)}), run=RUN, limit_bytes=512 * MIB))
        assert found.lived is None
        assert found.oom_kills == 0
        assert "input x takes batchx6, not 1x7" in str(found.reason)
        with pytest.raises(CheckFailed, match="is not the file that was asked for"):
            agent.enforce(Enforce(model=asking(matmul, sha256="1" * 64), run=RUN, limit_bytes=512 * MIB))


def test_no_group_is_left_when_the_controller_is_killed_meanwhile(
    groups: Path, matmul: Path, asking: Callable[..., Open]
) -> None:
    request = asking(matmul)
    code = textwrap.dedent(f"""
        from edgekit_targets.agent.client import LocalAgent
        from edgekit_targets.agent.protocol import Enforce, Open, Run
        model = Open(handle="a", file={request.file!r}, sha256={request.sha256!r}, target="cpu", inputs={{"x": (1, 6)}})
        run = Run(handle="a", samples=2_000_000, max_seconds=600.0, warmup_seconds=600.0)
        with LocalAgent() as agent:
            agent.enforce(Enforce(model=model, run=run, limit_bytes=512 * 2**20))
    """)
    before = set(groups.glob("edgekit-*"))
    controller = subprocess.Popen([sys.executable, "-c", code])
    end = time.monotonic() + 60
    inside: list[str] = []
    while not inside and time.monotonic() < end:
        time.sleep(0.05)
        for group in set(groups.glob("edgekit-*")) - before:
            inside += (group / "cgroup.procs").read_text().split()
    assert inside, "the worker runs in the group"
    os.kill(controller.pid, signal.SIGKILL)
    controller.wait()
    while set(groups.glob("edgekit-*")) - before and time.monotonic() < end:
        time.sleep(0.05)
    assert set(groups.glob("edgekit-*")) == before
