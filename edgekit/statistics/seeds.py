"""Figures over several trained models: what another seed would change, and what other test samples would.

A family's accuracy is a mean over seeds on one set of test samples. Both vary: models by their seed (weights, order,
split), samples because the test part is one draw. The interval of the seeds is Student's; that of the samples Wilson's,
of a difference that of Newcombe for paired proportions (:mod:`edgekit.statistics.proportions`), taken of the mean over
seeds; the two are added in squares (the variance of a two-way layout, Owen, The pigeonhole bootstrap, Annals of Applied
Statistics 1, 2007, is at most that sum).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from edgekit.statistics.proportions import Difference, Estimate, difference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Answers: TypeAlias = "NDArray[np.float64]"
"""``[seeds, samples]``: 1 where that seed's model answered that sample right, 0 where wrong."""
FEWEST = 2


def share_over_seeds(right: Answers) -> Estimate:
    """The share answered right, with its 95 % interval.

    Raises:
        ValueError: fewer than two seeds, or no sample.
    """
    _check(right)
    by_sample = right.mean(axis=0)
    wide = wilson(float(by_sample.mean()), by_sample.size)
    half = _seeds_half(right.mean(axis=1))
    return Estimate(
        wide.value,
        max(0.0, wide.value - math.hypot(wide.value - wide.low, half)),
        min(1.0, wide.value + math.hypot(wide.high - wide.value, half)),
    )


def difference_over_seeds(first: Answers, second: Answers) -> Difference:
    """The first's share minus the second's, seed by seed and sample by sample, with its 95 % interval.

    Raises:
        ValueError: other seeds or samples, fewer than two seeds, or no sample.
    """
    _check(first)
    if first.shape != second.shape:
        raise ValueError("pairs need the same seeds and samples")
    mine, theirs = first.mean(axis=0), second.mean(axis=0)
    found = difference(
        wilson(float(mine.mean()), mine.size),
        wilson(float(theirs.mean()), theirs.size),
        correlation=_correlation(mine, theirs),
    )
    half = _seeds_half(first.mean(axis=1) - second.mean(axis=1))
    return Difference(
        found.value,
        max(-1.0, found.value - math.hypot(found.value - found.low, half)),
        min(1.0, found.value + math.hypot(found.high - found.value, half)),
        None,
    )


def mean_over_seeds(values: Sequence[float]) -> Estimate:
    """The mean of one figure a seed, with Student's 95 % interval.

    Raises:
        ValueError: fewer than two.
    """
    import numpy as np

    found = np.asarray(values, dtype=np.float64)
    if found.size < FEWEST:
        raise ValueError("an interval over seeds needs two or more")
    centre, half = float(found.mean()), _seeds_half(found)
    return Estimate(centre, centre - half, centre + half)


def pooled(differences: Sequence[Difference]) -> Difference:
    """The mean of independent differences, each counting the same: one of every data set, say.

    It speaks of these sets; of others it knows nothing.

    Raises:
        ValueError: none.
    """
    if not differences:
        raise ValueError("nothing to pool")
    count = len(differences)
    value = math.fsum(one.value for one in differences) / count
    down = math.sqrt(math.fsum((one.value - one.low) ** 2 for one in differences)) / count
    up = math.sqrt(math.fsum((one.high - one.value) ** 2 for one in differences)) / count
    return Difference(value, value - down, value + up, None)


def _check(right: Answers) -> None:
    if right.ndim != 2 or right.shape[0] < FEWEST or not right.shape[1]:
        raise ValueError("an interval over seeds needs two or more of them, and samples")


def _seeds_half(values: Answers) -> float:
    from scipy.stats import t

    count = values.size
    return float(t.isf(0.025, count - 1)) * float(values.std(ddof=1)) / math.sqrt(count)


def _correlation(mine: Answers, theirs: Answers) -> float:
    """Between samples, of the means over seeds; 0, which makes the interval wider, where it is not positive."""
    import numpy as np

    if min(mine.std(), theirs.std()) <= 0.0:
        return 0.0
    return max(0.0, float(np.corrcoef(mine, theirs)[0, 1]))


def wilson(share: float, count: int) -> Estimate:
    """Wilson's interval of a share that need not be a whole number of samples."""
    from scipy.stats import norm

    z = float(norm.isf(0.025))
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    return Estimate(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)))
