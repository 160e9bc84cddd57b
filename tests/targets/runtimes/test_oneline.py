from __future__ import annotations

import pytest

from edgekit_targets.runtimes.oneline import one_line

ORT = (
    "[ONNXRuntimeError] : 1 : FAIL : Load model from /home/u/m.onnx failed:/onnxruntime_src/onnxruntime/core/graph/"
    "model.cc:256 onnxruntime::Model::Model(onnx::ModelProto&&, const PathString&) Unsupported model IR version: 99\n"
)
OPENVINO = (
    "Exception from src/inference/src/cpp/core.cpp:132:\nException from src/inference/src/dev/plugin.cpp:59:\n"
    "Check 'false' failed at src/frontends/common_translators/src/report.cpp:151:\nModel wasn't fully converted.\n\n"
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (ORT, "Unsupported model IR version: 99"),
        (OPENVINO, "Model wasn't fully converted"),
        ("", "RuntimeError"),
        ("plain", "plain"),
    ],
)
def test_only_what_was_said_remains(text: str, line: str) -> None:
    assert one_line(RuntimeError(text)) == line


def test_a_long_story_is_cut() -> None:
    assert one_line(RuntimeError("word " * 200), limit=20) == "word word word wo..."
