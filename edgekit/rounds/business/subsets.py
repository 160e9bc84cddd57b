"""Less of a data set: fewer training samples or fewer steps, and always the same test samples."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from edgekit_export.data.contract import Dataset, Labels


def subset(dataset: Dataset, fraction: float, seed: int) -> Dataset | None:
    """The data set with ``fraction`` of each class to train and to validate on; None where a class has none left.

    Nested: with the same seed a larger fraction holds all samples of a smaller one. Each class keeps its share, rounded
    half up, of the training samples, and at least one of the validation samples. The test part is untouched.

    Args:
        dataset: whole.
        fraction: above 0, up to 1.
        seed: of the order in which samples are added.
    """
    train = _chosen(dataset.y_train, fraction, seed, least=0)
    if train is None:
        return None
    valid = _chosen(dataset.y_valid, fraction, seed + 1, least=1)
    assert valid is not None
    return dataclasses.replace(
        dataset,
        x_train=dataset.x_train[train],
        y_train=dataset.y_train[train],
        x_valid=dataset.x_valid[valid],
        y_valid=dataset.y_valid[valid],
    )


def first_steps(dataset: Dataset, share: float) -> Dataset:
    """Every sequence cut to its first ``share`` of steps, one at least: a decision taken earlier."""
    steps = max(1, round(share * dataset.length))
    return dataclasses.replace(
        dataset,
        x_train=np.ascontiguousarray(dataset.x_train[:, :steps]),
        x_valid=np.ascontiguousarray(dataset.x_valid[:, :steps]),
        x_test=np.ascontiguousarray(dataset.x_test[:, :steps]),
    )


def _chosen(labels: Labels, fraction: float, seed: int, least: int) -> NDArray[np.intp] | None:
    """Positions of the samples that are kept, ascending; None where a class of ``labels`` would have none."""
    generator = np.random.default_rng(seed)
    kept: list[NDArray[np.intp]] = []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        count = max(least, int(fraction * len(members) + 0.5))
        if count == 0:
            return None
        kept.append(members[:count])
    return np.sort(np.concatenate(kept))
