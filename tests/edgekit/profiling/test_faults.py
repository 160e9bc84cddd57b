"""A profile that something goes wrong in keeps what was measured before, and the next one measures the rest."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.decision.figures import Evidence
from edgekit.profiling.enforce import MemoryLimit
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit.profiling.store import read_profiles
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.agent.protocol import Enforce, Idle, Idled, Ran, Run
from edgekit_targets.errors import AgentGone, InputError
from edgekit_targets.progress import silent
from edgekit_targets.types.profile import Enforced

QUICK = Plan(launches=3, rounds=2, samples=600, seconds=60.0)
GONE = AgentGone("the agent was killed by SIGKILL")


@pytest.fixture
def bundle(make_bundle: Callable[..., Path], make_evidence: Callable[..., Evidence]) -> Path:
    return make_bundle(make_evidence("lstm"), make_evidence("transformer"), profiled=False)


class Vanishing(FakeAgent):
    """An agent that is gone from the n-th slice on, or when it is asked for energy or a limit."""

    def __init__(self, scenario: Scenario, slices: int = 10**9, *, idle: bool = False, enforce: bool = False) -> None:
        super().__init__(scenario)
        self._slices, self._idle, self._enforce = slices, idle, enforce

    def run(self, request: Run) -> Ran:
        if len(self.ran) >= self._slices:
            raise GONE
        return super().run(request)

    def idle(self, request: Idle) -> Idled:
        if self._idle:
            raise GONE
        return super().idle(request)

    def enforce(self, request: Enforce) -> Enforced:
        if self._enforce:
            raise GONE
        return super().enforce(request)


@pytest.mark.parametrize(
    ("fault", "samples"),
    [({"slices": 5}, 500), ({"idle": True}, 1200), ({"enforce": True}, 1200), ({"slices": 12}, 1200)],
)
def test_an_agent_that_is_gone_ends_the_run_and_what_was_measured_is_kept(
    bundle: Path, fault: dict[str, Any], samples: int
) -> None:
    agent = Vanishing(Scenario(targets=("cpu",), idle_watts=1.0), **fault)
    with pytest.raises(AgentGone, match=r"killed by SIGKILL; what was measured is kept: run it again to go on$"):
        profile(bundle, agent, plan=QUICK, enforce=MemoryLimit(process_bytes=2**30), progress=silent)
    ((_, kept),) = read_profiles(bundle)
    assert sum(one.latency.samples for one in kept.measurements if one.latency) == samples
    again = FakeAgent(Scenario(targets=("cpu",)))
    found = profile(bundle, again, plan=QUICK, progress=silent)
    assert all(one.complete and one.valid for one in found.measurements)
    assert len(again.opened) == (0 if samples == 1200 else 4), "every launch that was over is reused"


def test_a_profile_of_a_newer_edgekit_is_refused_by_name(bundle: Path) -> None:
    profile(bundle, FakeAgent(Scenario(targets=("cpu",))), plan=QUICK, progress=silent)
    ((path, _),) = read_profiles(bundle)
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"schema_version": 99}))
    with pytest.raises(InputError, match=rf"{path.name}.*99"):
        profile(bundle, FakeAgent(Scenario(targets=("cpu",))), plan=QUICK, progress=silent)
    older = {key: value for key, value in document.items() if key != "crossovers"}
    for one in older["measurements"]:
        for field in ("enforced", "soak", "paced", "conditions", "disturbed"):
            one.pop(field)
    path.write_text(json.dumps(older))
    assert len(read_profiles(bundle)) == 1, "an older one that lacks what came later is read"


@pytest.fixture
def two_files(tmp_path: Path) -> Path:
    """A real bundle of two small models, taken in from ``.onnx`` files."""
    from onnx import TensorProto, helper, numpy_helper

    files = []
    for name, width in (("narrow", 4), ("wide", 64)):
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])],
            name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 6])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", width])],
            [numpy_helper.from_array(np.ones((6, width), np.float32), "w")],
        )
        files.append(tmp_path / f"{name}.onnx")
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        files[-1].write_bytes(model.SerializeToString())
    out = tmp_path / "bundle"
    edgekit("export", *map(str, files), "--out", str(out)).check_returncode()
    return out


def edgekit(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "edgekit", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_real_agent_killed_in_mid_run_is_one_line_and_the_next_run_goes_on(
    two_files: Path, tmp_path: Path, wait_for_a_launch: Callable[[Path, subprocess.Popen[str]], None]
) -> None:
    lock = {"EDGEKIT_LOCK": str(tmp_path / "lock"), **_environment()}
    command = [sys.executable, "-m", "edgekit", "profile", str(two_files), "--target", "cpu", "--every", "20ms"]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=lock)
    agent = _descendant(started.pid, "-m", "edgekit_targets")
    assert _descendant(started.pid, "-m", "edgekit_targets.agent.worker")
    wait_for_a_launch(two_files / "profiles", started)
    subprocess.run(["kill", "-9", str(agent)], check=True)
    out, err = started.communicate(timeout=60)
    assert (started.returncode, out) == (2, "")
    last = err.replace("\r", "\n").strip().splitlines()[-1]
    assert "the agent was killed by SIGKILL" in last
    assert "Traceback" not in err
    ((_, kept),) = read_profiles(two_files)
    assert any(one.latency is not None and one.latency.samples for one in kept.measurements)
    assert not any(one.complete for one in kept.measurements)


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)


def _descendant(pid: int, *words: str) -> int:
    """The first process below ``pid`` whose command line ends with the words."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        waiting = [pid]
        while waiting:
            parent = waiting.pop()
            try:
                for thread in Path(f"/proc/{parent}/task").iterdir():
                    waiting += map(int, (thread / "children").read_text().split())
                told = Path(f"/proc/{parent}/cmdline").read_text().rstrip("\0").split("\0")
            except OSError:
                continue
            if tuple(told[-len(words) :]) == words:
                return parent
        time.sleep(0.05)
    raise AssertionError(f"no process ran {' '.join(words)}")
