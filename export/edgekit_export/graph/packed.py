"""``pack_padded_sequence`` and ``pad_packed_sequence`` while a graph is traced.

A packed sequence has as many rows as there are valid steps, a number that no graph can declare. ONNX's recurrent
operators take the padded batch and the lengths instead (``sequence_lens``) and answer zeros beyond them, so the twins
here carry the two side by side. What differs: ``pad_packed_sequence`` cuts the batch off at its longest sequence, the
twin leaves zeros there.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils import rnn


class PackedTwin(NamedTuple):
    """Stands in for a ``PackedSequence``: the padded batch, and the ``lengths`` [batch] that are valid in it."""

    padded: Tensor
    lengths: Tensor
    batch_first: bool


def _pack(
    input: Tensor,
    lengths: Tensor | list[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedTwin:
    return PackedTwin(input, torch.as_tensor(lengths), batch_first)


def _pad(
    sequence: PackedTwin, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    y = sequence.padded if sequence.batch_first == batch_first else sequence.padded.transpose(0, 1)
    if padding_value:
        steps = torch.arange(y.shape[int(batch_first)])
        valid = steps[None, :] < sequence.lengths[:, None] if batch_first else steps[:, None] < sequence.lengths[None]
        y = torch.where(valid.unsqueeze(-1), y, padding_value)
    return y, sequence.lengths


_TWINS: dict[str, Callable[..., Any]] = {"pack_padded_sequence": _pack, "pad_packed_sequence": _pad}


@contextlib.contextmanager
def packed_twins() -> Iterator[None]:
    """Put the twins in place of the two functions, wherever a module has imported them by name."""
    replaced: list[tuple[Any, str, Any]] = []
    for name, twin in _TWINS.items():
        original = getattr(rnn, name)
        for module in list(sys.modules.values()):
            names = getattr(module, "__dict__", {})
            if isinstance(names, dict) and names.get(name) is original:
                replaced.append((module, name, original))
                setattr(module, name, twin)
    try:
        yield
    finally:
        for module, name, original in replaced:
            setattr(module, name, original)
