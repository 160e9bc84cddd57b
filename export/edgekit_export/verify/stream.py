"""N steps of a stream must answer as the window run over the same N steps does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from edgekit_export.verify.reference import reference_outputs

Floats = NDArray[np.float32]
BATCHES = (1, 4)
_MOST_STEPS = 1536


def points(span: int) -> tuple[tuple[int, int], ...]:
    """The (batch, N) pairs that are checked: every N at which a ring of ``span`` steps fills, wraps or is about to.

    N goes up to three times ``span``; beyond 1536 steps it is cut off, since the reference costs N squared.
    """
    wanted = {1, 2, 3, span // 2, span - 1, span, span + 1, span + span // 2, 2 * span - 1, 2 * span, 2 * span + 1}
    wanted |= {3 * span - 1, 3 * span}
    steps = sorted({min(n, _MOST_STEPS) for n in wanted if n >= 1})
    return tuple((batch, n) for batch in BATCHES for n in steps)


def point_references(
    module: torch.nn.Module, sequences: Mapping[int, Floats], at: Sequence[tuple[int, int]]
) -> list[Floats]:
    """PyTorch's window over the first N steps of the ``sequences`` (by batch), for every point."""
    return [reference_outputs(module, sequences[batch][:, :steps]) for batch, steps in at]


def point_answers(answers: Mapping[int, Floats], at: Sequence[tuple[int, int]]) -> list[Floats]:
    """What the stream said after step N, from its ``answers`` by batch, ``[batch, steps, classes]``."""
    return [answers[batch][:, steps - 1] for batch, steps in at]


def step_references(module: torch.nn.Module, x: Floats) -> Floats:
    """PyTorch's answer after every step of ``x`` ``[samples, steps, features]``: ``[samples, steps, classes]``."""
    return np.stack([reference_outputs(module, x[:, : step + 1]) for step in range(x.shape[1])], axis=1)
