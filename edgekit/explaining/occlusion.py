"""Occlusion: what the answer loses when a part of the input is hidden.

Zeiler and Fergus, Visualizing and understanding convolutional networks, ECCV 2014 (https://arxiv.org/abs/1311.2901),
section 4.2, with a segment of steps for their grey square. It asks nothing of a model but answers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.explaining.model import Model
from edgekit.explaining.segments import Bools, hide

Floats = NDArray[np.float64]


def occlusion(
    model: Model, x: NDArray[np.generic], blank: NDArray[np.generic], parts: Bools, target: NDArray[np.intp]
) -> Floats:
    """The probability of class ``target`` ``[samples]`` that is lost without each segment, ``[samples, segments]``.

    Args:
        model: asked ``1 + segments`` times a sample.
        x: the samples ``[samples, length, *step]``.
        blank: what a hidden step holds, ``[*step]``.
        parts: the segments ``[segments, length]``.
        target: the class that is explained.
    """
    samples = len(x)
    none = np.zeros((1, parts.shape[1]), dtype=bool)
    masks = np.concatenate([none, parts])
    rows = hide(np.repeat(x, len(masks), axis=0), np.tile(masks, (samples, 1)), blank)
    found = model.answer(rows).reshape(samples, len(masks), -1)
    of_target = found[np.arange(samples), :, target]
    lost: Floats = of_target[:, :1] - of_target[:, 1:]
    return lost
