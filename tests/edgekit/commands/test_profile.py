"""What ``profile`` says beside its table, on the fake device."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.decision.figures import Evidence
from edgekit.main import main
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.runtimes.fake import Script


def test_a_p99_without_an_upper_end_says_how_to_measure_on(
    make_bundle: Callable[..., Path],
    make_evidence: Callable[..., Evidence],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def launch(number: int) -> list[float]:
        """Processes differ more than inferences do, so five of them tell little of the next."""
        return [0.001 * (1 + number) + 1e-9 * run for run in range(97)]

    for script, told in ((Script(launch=launch), True), (Script(latency_seconds=0.001), False)):
        agent = FakeAgent(Scenario(default=script, targets=("cpu",)))
        monkeypatch.setattr("edgekit.devices.connect.connect", lambda device, known, agent=agent: agent)
        bundle = make_bundle(make_evidence("lstm"), profiled=False)
        assert main(["profile", str(bundle)]) == 0
        words = " ".join(capsys.readouterr().out.split())
        assert ("p99 has no upper end (–) for 1 of 1 candidates" in words) == told


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
