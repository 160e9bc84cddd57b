"""A mean over samples that several models answered, with an interval for new samples and new models."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgekit.statistics.means import Mean
from edgekit.statistics.sequences import SIDE


def crossed(values: NDArray[np.float64]) -> Mean:
    """The mean of ``values`` ``[models, samples]``, each model (a seed) having answered the same samples.

    Models and samples are both drawn at random, so the variances of their means add up (Cornfield and Tukey 1956); what
    is particular to one sample in one model is counted in both, which makes the interval a little wide. Student's t,
    with the degrees of freedom of Satterthwaite (1946). Of one model the interval is that over samples alone; null of
    one sample.
    """
    centre = float(values.mean())
    parts = [
        (float(means.var(ddof=1)) / len(means), len(means) - 1)
        for means in (values.mean(axis=0), values.mean(axis=1))
        if len(means) > 1
    ]
    if values.shape[1] < 2:
        return Mean(centre, None, None)
    variance = sum(part for part, _ in parts)
    if variance == 0.0:
        return Mean(centre, centre, centre)
    from scipy.stats import t

    freedom = variance**2 / sum(part**2 / free for part, free in parts)
    half = float(t.isf(SIDE, freedom)) * math.sqrt(variance)
    return Mean(centre, centre - half, centre + half)
