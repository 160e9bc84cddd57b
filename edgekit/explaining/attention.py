"""What attention says of each step: the weights of the last layer, and those followed through all layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def last_layer(weights: Floats) -> Floats:
    """What the answer's step takes from each step in the last layer, the mean over heads ``[samples, key]``.

    Args:
        weights: ``[samples, layer, head, query, key]``; the answer is read at the last query.
    """
    found: Floats = weights[:, -1, :, -1].mean(axis=1)
    return found


def rollout(weights: Floats) -> Floats:
    """What reaches the answer's step from each input step through all layers ``[samples, key]``.

    Attention rollout: the mean over heads, half of which is the residual connection, multiplied up. Abnar and Zuidema,
    Quantifying attention flow in transformers, ACL 2020 (https://aclanthology.org/2020.acl-main.385).
    """
    mean = weights.mean(axis=2)
    steps = mean.shape[-1]
    reached = np.broadcast_to(np.eye(steps)[-1], (len(mean), 1, steps))
    for layer in range(mean.shape[1] - 1, -1, -1):
        reached = reached @ (0.5 * mean[:, layer] + 0.5 * np.eye(steps))
    found: Floats = reached[:, 0]
    return found
