from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit_export.verify.child import Child
from edgekit_targets.agent.inprocess import FakeAgent, Scenario
from edgekit_targets.errors import InputError
from edgekit_targets.runtimes.fake import Script


def test_a_child_is_opened_once_and_closed(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"model")
    script = Script(compute=lambda feeds: {"y": np.asarray(feeds["x"]) * 2})
    agent = FakeAgent(Scenario(default=script))
    with Child(agent, tmp_path / "a.onnx", shapes={"x": (1, 2)}, scratch=tmp_path, target="cpu") as child:
        (request,) = agent.opened
        assert (request.target, request.options.threads, request.inputs) == ("cpu", 1, {"x": (1, 2)})
        x = np.arange(16, dtype=np.float32).reshape(8, 2)
        np.testing.assert_array_equal(child.run({"x": x}, whole=False)["y"], 2 * x)
        np.testing.assert_array_equal(child.run({"x": x[:1]}, whole=True)["y"], 2 * x[:1])
    with Child(agent, tmp_path / "a.onnx", shapes={"x": (1, 2)}, scratch=tmp_path, target="cpu"):
        assert len(agent.opened) == 2, "the handle was free again"


def test_what_the_agent_refuses_is_passed_on(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"model")
    agent = FakeAgent(Scenario(default=None))
    with pytest.raises(InputError, match="nothing is scripted"):
        Child(agent, tmp_path / "a.onnx", shapes={"x": (1, 2)}, scratch=tmp_path, target="cpu")
