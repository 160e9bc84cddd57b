"""The smallest model there is: it gives one number back. What a call costs beside a model's own work is seen on it."""

from __future__ import annotations

from typing import Final

ONE_NODE: Final = bytes.fromhex(
    "0808"  # IR version 8
    "3a39"  # the graph, 57 bytes:
    "0a10"
    "0a0178"
    "120179"
    "22084964656e74697479"  # a node: x -> y, Identity
    "12036f6e65"  # called "one"
    "5a0f"
    "0a0178"
    "120a0a0808011204"
    "0a020801"  # its input x: float, shape (1)
    "620f"
    "0a0179"
    "120a0a0808011204"
    "0a020801"  # its output y: the same
    "42040a001012"  # operators of ONNX, set 18
)
"""An ONNX file: ``y = Identity(x)``, both float32 of shape (1)."""
