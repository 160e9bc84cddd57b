"""What survives a controller that is killed, and what another version's results are worth."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.decision.figures import Evidence
from edgekit.profiling.journal import Entry, Journal
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit.profiling.store import outdated, read_profiles
from edgekit_targets.agent.inprocess import FAKE_DEVICE, FakeAgent, Scenario
from edgekit_targets.agent.protocol import Ran, Run
from edgekit_targets.errors import WriteFailed
from edgekit_targets.hardware.surroundings import Seen
from edgekit_targets.progress import silent
from edgekit_targets.runtimes.fake import Script
from edgekit_targets.types.profile import Disturbance, Profile

PLAN = Plan(launches=4, rounds=2, samples=80, seconds=60.0)
Make = Callable[..., Evidence]
MakeBundle = Callable[..., Path]
CPU = Scenario(targets=("cpu",))

KILLED = """
import os, signal, sys
from pathlib import Path
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.progress import silent

class Killed(FakeAgent):
    def run(self, request):
        if len(self.ran) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(request)

plan = Plan(launches=4, rounds=2, samples=80, seconds=60.0)
profile(Path(sys.argv[1]), Killed(Scenario(targets=("cpu",))), plan=plan, progress=silent)
"""


@pytest.fixture
def bundle(make_bundle: MakeBundle, make_evidence: Make) -> Path:
    return make_bundle(make_evidence("lstm"), make_evidence("transformer"), profiled=False)


def measure(bundle: Path, agent: FakeAgent, **settings: Any) -> Profile:
    defaults: dict[str, Any] = {"plan": PLAN, "progress": silent}
    return profile(bundle, agent, **(defaults | settings))


def journals(bundle: Path) -> list[Path]:
    return list((bundle / "profiles").glob("*.jsonl"))


class Dying(FakeAgent):
    """Interrupted, as far as this process can be and live, in its n-th slice."""

    def __init__(self, after: int, scenario: Scenario = CPU) -> None:
        super().__init__(scenario)
        self._after = after

    def run(self, request: Run) -> Ran:
        if len(self.ran) == self._after:
            raise KeyboardInterrupt
        return super().run(request)


def test_a_killed_controller_loses_the_launch_in_progress_and_no_more(bundle: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(bundle), "9"], check=False, timeout=100)
    assert done.returncode == -signal.SIGKILL
    assert read_profiles(bundle) == [], "nobody was left to write one"
    agent = FakeAgent(CPU)
    found = measure(bundle, agent)
    assert len(agent.opened) == 2 * 4 - 4, "two launches of both were over, the third was not"
    for one in found.measurements:
        assert one.complete
        assert one.latency is not None
        assert (one.latency.samples, one.latency.launches) == (80, 4)
        assert len(set(zip(one.latency.launch_of, one.latency.round_of, strict=True))) == 8, "nothing counts twice"
    assert journals(bundle) == []
    idle = FakeAgent(CPU)
    measure(bundle, idle)
    assert idle.opened == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(deaths=st.lists(st.integers(0, 12), max_size=4), torn=st.integers(0, 40))
def test_however_often_it_dies_every_launch_counts_once(bundle: Path, deaths: list[int], torn: int) -> None:
    for path in (bundle / "profiles").glob("*"):
        path.unlink()
    for after in deaths:
        with contextlib.suppress(KeyboardInterrupt):  # it may end before it dies: then nothing is left to do
            measure(bundle, Dying(after))
        for path in journals(bundle):
            with path.open("ab") as file:
                file.write(b'{"subject": "cut off'[:torn])
    found = measure(bundle, FakeAgent(CPU))
    for one in found.measurements:
        assert one.latency is not None
        assert (one.latency.samples, one.latency.launches) == (80, 4)
        assert len(set(zip(one.latency.launch_of, one.latency.round_of, strict=True))) == 8


def test_a_full_disk_ends_it_with_one_line_and_loses_nothing(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    flush = os.fsync
    calls = 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += stat.S_ISREG(os.fstat(descriptor).st_mode)
        if calls > 5:  # the file's beginning, then two launches of both
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteFailed, match=r"No space left on device.*what was measured is kept.*run it again") as told:
        measure(bundle, FakeAgent(CPU))
    assert "\n" not in str(told.value)
    monkeypatch.undo()
    agent = FakeAgent(CPU)
    found = measure(bundle, agent)
    assert len(agent.opened) <= 2 * 4 - 4
    assert all(one.latency is not None and one.latency.samples == 80 for one in found.measurements)


@pytest.mark.parametrize("change", ["version", "file", "disturbed", "machine", "slices"])
def test_launches_that_do_not_belong_are_not_gone_on_from(bundle: Path, change: str) -> None:
    noisy = (Seen(disturbances=(Disturbance(kind="clock", detail="slowed down"),)),)
    first = dataclasses.replace(CPU, default=Script(seen=noisy)) if change == "disturbed" else CPU
    with pytest.raises(KeyboardInterrupt):
        measure(bundle, Dying(9, first))
    (path,) = journals(bundle)
    text = path.read_text()
    if change == "version":
        path.write_text(text.replace('"runtime_version": "fake"', '"runtime_version": "older"'))
    if change == "file":
        path.write_text(text.replace('"sha256": "', '"sha256": "0'))
    scenario = CPU
    if change == "machine":
        scenario = dataclasses.replace(CPU, device=dataclasses.replace(FAKE_DEVICE, fingerprint="1" * 64))
    plan = dataclasses.replace(PLAN, rounds=3) if change == "slices" else PLAN
    agent = FakeAgent(scenario)
    measure(bundle, agent, plan=plan)
    assert len(agent.opened) == 2 * 4


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ({"protocol": 1}, "protocol 1"),
        ({"schema_version": 99}, "schema 99"),
        ({"rounds": "many"}, "rounds"),
        (None, "not valid JSON"),
    ],
)
def test_a_journal_of_another_edgekit_is_left_out_and_said_so(
    bundle: Path, head: dict[str, Any] | None, line: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        measure(bundle, Dying(9))
    (path,) = journals(bundle)
    first, _, rest = path.read_text().partition("\n")
    path.write_text((json.dumps(json.loads(first) | head) if head is not None else "{") + "\n" + rest)
    told: list[str] = []
    agent = FakeAgent(CPU)
    measure(bundle, agent, tell=told.append)
    assert len(agent.opened) == 2 * 4
    (said,) = told
    assert line in said
    assert "afresh" in said


def test_profiles_of_an_older_schema_are_left_out_and_said_so(bundle: Path) -> None:
    measure(bundle, FakeAgent(CPU))
    ((path, _),) = read_profiles(bundle)
    path.write_text(path.read_text().replace('"schema_version": 2', '"schema_version": 1', 1))
    assert read_profiles(bundle) == []
    line = outdated(bundle)
    assert line is not None
    assert path.name in line
    told: list[str] = []
    agent = FakeAgent(CPU)
    measure(bundle, agent, tell=told.append)
    assert told == [line]
    assert len(agent.opened) == 2 * 4


def test_what_is_written_is_what_is_read(bundle: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        measure(bundle, Dying(9))
    journal = Journal(bundle / "profiles", FAKE_DEVICE, PLAN)
    entries, why = journal.read()
    assert why is None
    assert len(entries) == 4
    assert all(isinstance(one, Entry) for one in entries)
    journal.start(entries)
    assert journal.read() == (entries, None)
