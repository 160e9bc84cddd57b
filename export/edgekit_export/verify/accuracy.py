"""Accuracy of an artifact on one split, with its 95 % interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from edgekit_targets.types.manifest import Accuracy


def accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Accuracy:
    """Share of samples whose largest logit is the label's, with the interval of Wilson (1927).

    Args:
        logits: ``[samples, classes]``, at least one sample.
        labels: ``[samples]``, indices of classes.
    """
    each = answered_right(logits, labels)
    right = int(each.sum())
    interval = stats.binomtest(right, len(labels)).proportion_ci(confidence_level=0.95, method="wilson")
    return Accuracy(
        metric="accuracy",
        value=right / len(labels),
        low=float(interval.low),
        high=float(interval.high),
        samples=len(labels),
        right=np.packbits(each).tobytes().hex(),
    )


def answered_right(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each sample whether the largest of its ``logits`` ``[samples, classes]`` is the label's."""
    right: NDArray[np.bool_] = logits.argmax(axis=1) == labels
    return right
