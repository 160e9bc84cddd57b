"""The steps of a sequence in at most 64 segments of neighbours, so that long ones stay affordable and readable."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST: Final = 64
Bools = NDArray[np.bool_]


def segments(length: int, most: int = MOST) -> Bools:
    """Which of ``length`` steps each segment holds, ``[segments, length]``; one step each up to ``most``."""
    parts = np.array_split(np.arange(length), min(length, most))
    found = np.zeros((len(parts), length), dtype=bool)
    for row, steps in zip(found, parts, strict=True):
        row[steps] = True
    return found


def names(found: Bools) -> tuple[str, ...]:
    """The steps of each segment as people count them: ``"7"``, or ``"7-9"``."""
    ends = [(int(steps[0]), int(steps[-1])) for steps in map(np.flatnonzero, found)]
    return tuple(str(first) if first == last else f"{first}-{last}" for first, last in ends)


def pooled(weights: NDArray[np.float64], found: Bools) -> NDArray[np.float64]:
    """Attention ``[..., query, key]`` between segments: the sum over keys, the mean over queries; rows add up to 1."""
    member = found.astype(np.float64)
    return np.asarray((member / member.sum(axis=1, keepdims=True)) @ weights @ member.T)


def hide(x: NDArray[np.generic], hidden: Bools, blank: NDArray[np.generic]) -> NDArray[np.generic]:
    """``x`` ``[..., length, *step]`` with ``blank`` ``[*step]`` at the steps in ``hidden`` ``[..., length]``."""
    return np.where(hidden.reshape(*hidden.shape, *(1,) * blank.ndim), blank, x).astype(x.dtype)
