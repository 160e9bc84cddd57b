from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.decision.figures import Evidence
from edgekit.profiling.verify import verify
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.errors import CheckFailed
from edgekit_targets.progress import silent
from edgekit_targets.runtimes.fake import Script


@pytest.fixture
def bundle(make_bundle: Callable[..., Path], make_evidence: Callable[..., Evidence]) -> Path:
    folder = make_bundle(make_evidence("lstm"), make_evidence("transformer"), profiled=False)
    (folder / "golden").mkdir()
    save: Any = np.savez  # its stubs know no array by a name with a dot
    save(folder / "golden" / "lstm-window-fp32-portable-plain.npz", **{"input.x": np.zeros((8, 25, 12))})
    return folder


def test_every_artifact_is_checked_on_every_target(bundle: Path) -> None:
    checks = verify(bundle, FakeAgent(), targets=[], progress=silent)
    assert [(check.artifact.partition("-")[0], check.target, check.passed) for check in checks] == [
        ("lstm", "cpu", True),
        ("lstm", "openvino", True),
        ("transformer", "cpu", False),
        ("transformer", "openvino", False),
    ]
    assert all("no golden outputs" in str(check.reason) for check in checks if not check.passed)


@pytest.mark.parametrize(
    ("script", "reason"),
    [(Script(parity_error=1.0), "off by more"), (Script(dies_at_open=True), "died"), (Script(refuses="no"), "no")],
)
def test_what_fails_says_why_and_the_others_go_on(bundle: Path, script: Script, reason: str) -> None:
    agent = FakeAgent(Scenario(scripts={("lstm-window-fp32-portable-plain", "cpu"): script}))
    checks = verify(bundle, agent, targets=["cpu", "openvino"], progress=silent)
    assert not checks[0].passed
    assert reason in str(checks[0].reason)
    assert checks[1].passed


def test_a_changed_file_is_a_failed_check(bundle: Path) -> None:
    (bundle / "lstm-window-fp32-portable-plain.onnx").write_text("other")
    with pytest.raises(CheckFailed, match="does not match its hash"):
        verify(bundle, FakeAgent(), targets=[], progress=silent)
