"""What PyTorch answers: the reference of every figure about an artifact's error."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

_CHUNK = 256


def reference_outputs(module: torch.nn.Module, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The outputs of ``module`` (in eval mode) for ``x`` ``[samples, ...]``, float32, stacked along the first axis."""
    with torch.inference_mode():
        parts = [module(torch.from_numpy(x[start : start + _CHUNK])) for start in range(0, len(x), _CHUNK)]
        outputs: NDArray[np.float32] = torch.cat(parts).numpy()
    return outputs
