"""A runtime's error message, made to fit one line."""

from __future__ import annotations

import re

_NOISE = (
    r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ",
    r"Load model from .*? failed:\s*",
    r"/onnxruntime_src/\S+ .*\) (?=[A-Z])",
    r"Exception from src/\S+:\s*",
    r"Check '.*?' failed at \S+:\s*",
)


def one_line(error: Exception, limit: int = 240) -> str:
    """What the runtime said, without its source positions, cut at ``limit`` characters."""
    text = " ".join(str(error).split())
    for noise in _NOISE:
        text = re.sub(noise, "", text)
    text = text.strip().rstrip(".") or type(error).__name__
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
