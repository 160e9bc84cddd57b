"""The validation split: stratified, seeded, from the training part only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgekit_export.data.contract import Labels

SHARE = 0.25


def stratified(labels: Labels, seed: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Indices of the training and of the validation samples, both ascending.

    Each class gives :data:`SHARE` of its samples, rounded, but at least one and never all; so each class needs two.

    Args:
        labels: class of each sample.
        seed: same seed, same split.
    """
    generator = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = min(max(1, round(SHARE * len(members))), len(members) - 1)
        held_out[generator.permutation(members)[:count]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
