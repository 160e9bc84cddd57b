"""What ``profile`` says beside its table, on the fake device."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.decision.figures import Evidence
from edgekit.main import main
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.runtimes.fake import Script


@pytest.mark.parametrize(("latency", "said"), [(0.03, True), (0.01, False)])
def test_a_period_shorter_than_the_service_time_is_told(
    make_bundle: Callable[..., Path],
    make_evidence: Callable[..., Evidence],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    latency: float,
    said: bool,
) -> None:
    agent = FakeAgent(Scenario(default=Script(latency_seconds=latency), targets=("cpu",)))
    monkeypatch.setattr("edgekit.devices.connect.connect", lambda device, known: agent)
    bundle = make_bundle(make_evidence("lstm"), profiled=False)
    assert main(["profile", str(bundle), "--every", "20ms"]) == 0
    line = (
        "lstm-window-fp32-portable-plain on cpu: it cannot keep up with an input every 20 ms: one inference takes 30 ms"
    )
    assert (line in capsys.readouterr().err) == said
