"""``--enforce``: what is asked for, and what comes of it on the fake device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.decision.figures import Evidence
from edgekit.decision.words import enforced_text
from edgekit.profiling.enforce import MemoryLimit, parse_enforce
from edgekit.profiling.plan import Plan
from edgekit.profiling.run import profile
from edgekit.profiling.store import read_profiles
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.agent.protocol import Enforce
from edgekit_targets.errors import AgentFailed, InputError
from edgekit_targets.progress import silent
from edgekit_targets.runtimes.fake import Script
from edgekit_targets.types.profile import Enforced, Measurement

MIB = 2**20
QUICK = Plan(launches=2, rounds=2, samples=200, seconds=60.0)
SCRIPT = Script(baseline_bytes=50 * MIB, load_bytes=10 * MIB, load_spike_bytes=4 * MIB)
"""64 MiB at its peak, 14 of them the model's."""


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("128MiB", MemoryLimit(process_bytes=128 * MIB)),
        ("process_memory=64MB", MemoryLimit(process_bytes=64_000_000)),
        ("memory=16MiB, p99=20ms", MemoryLimit(added_bytes=16 * MIB)),
        ("memory=16MiB, process_memory=60MiB", MemoryLimit(process_bytes=60 * MIB, added_bytes=16 * MIB)),
        ("imu-50hz", MemoryLimit(added_bytes=32 * MIB)),
        (None, None),
    ],
)
def test_a_limit_is_a_size_or_a_budget(text: str | None, limit: MemoryLimit | None) -> None:
    assert parse_enforce(text) == limit


@pytest.mark.parametrize(
    ("text", "words"),
    [("128", "no size such as 128MiB"), ("p99=20ms", "limits neither memory"), ("", "no size"), ("-1MiB", "no size")],
)
def test_what_is_neither_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=f"--enforce .*{words}"):
        parse_enforce(text)


def test_the_stricter_of_two_limits_holds() -> None:
    both = MemoryLimit(process_bytes=60 * MIB, added_bytes=16 * MIB)
    assert both.of(50 * MIB) == 60 * MIB
    assert both.of(40 * MIB) == 56 * MIB
    assert both.of(None) == 60 * MIB
    assert MemoryLimit(added_bytes=1).of(None) is None


@pytest.fixture
def measure(make_bundle: Callable[..., Path], make_evidence: Callable[..., Evidence]) -> Callable[..., Measurement]:
    def run(limit: str, agent: FakeAgent | None = None, **scenario: Any) -> Measurement:
        bundle = make_bundle(make_evidence("lstm"), profiled=False)
        agent = agent or FakeAgent(Scenario(default=SCRIPT, targets=("cpu",), **scenario))
        (found,) = profile(bundle, agent, plan=QUICK, enforce=parse_enforce(limit), progress=silent).measurements
        ((_, written),) = read_profiles(bundle)
        assert written.measurements == (found,)
        return found

    return run


@pytest.mark.parametrize(
    ("limit", "bytes_", "lived"),
    [
        ("65MiB", 65 * MIB, True),
        ("63MiB", 63 * MIB, False),
        ("memory=15MiB", 65 * MIB, True),
        ("memory=13MiB", 63 * MIB, False),
    ],
)
def test_lives_or_is_killed(measure: Callable[..., Measurement], limit: str, bytes_: int, lived: bool) -> None:
    found = measure(limit)
    assert found.enforced is not None
    assert (found.enforced.limit_bytes, found.enforced.lived) == (bytes_, lived)
    assert found.enforced.oom_kills == int(not lived)
    assert any("killed inside 63.0 MiB" in text for text in found.warnings) == (not lived)
    words = "lives inside 65.0 MiB." if lived else "was killed inside 63.0 MiB: it needs more."
    assert enforced_text(found).endswith(f"on ONNX Runtime {words}")
    assert found.latency is not None
    assert found.valid, "its figures are as good as without"


def test_where_nothing_can_be_enforced_it_says_so(measure: Callable[..., Measurement]) -> None:
    found = measure("65MiB", no_controller="cgroup_disable=memory; add cgroup_enable=memory")
    assert found.enforced is not None
    assert found.enforced.lived is None
    assert "was not tried inside 65.0 MiB: cgroup_disable=memory" in enforced_text(found)
    assert "enforce: not tried inside 65.0 MiB: cgroup_disable=memory; add cgroup_enable=memory" in found.warnings


def test_an_agent_that_cannot_is_told(measure: Callable[..., Measurement]) -> None:
    class Older(FakeAgent):
        def enforce(self, request: Enforce) -> Enforced:
            raise AgentFailed('the request must have "do" as one of: hello, open')

    found = measure("65MiB", Older(Scenario(default=SCRIPT, targets=("cpu",))))
    assert found.enforced is not None
    assert found.enforced.lived is None
    assert any("one of: hello, open" in text for text in found.warnings)
