"""What samples that depend on each other are worth.

Latencies come in slices (a stretch of time in one process), slices in launches (fresh processes). A slow stretch slows
all of a slice, an unlucky memory layout all of a launch. Both are clusters in the sense of surveys: the design effect
(Kish, Survey Sampling, 1965) says how many samples are worth one independent one. It is taken between slices, which
covers whatever is shorter than a slice, and between launches, which covers what reaches over slices; the larger counts,
each enlarged for how few groups it was estimated from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgekit.statistics.sequences import few_groups

Launches = Sequence[Sequence[Sequence[float]]]
"""Samples of slices of launches."""


@dataclass(frozen=True)
class Counted:
    """Hits of every slice, for one or more definitions of a hit: ``hits`` [definitions, slices], ``sizes`` [slices].

    ``starts`` are the positions of each launch's first slice.
    """

    hits: NDArray[np.float64]
    sizes: NDArray[np.float64]
    starts: NDArray[np.intp]

    @property
    def total(self) -> float:
        """All samples."""
        return float(self.sizes.sum())

    def design_effects(self) -> NDArray[np.float64]:
        """How many samples are worth one independent one, at least 1, for each definition."""
        launches = np.add.reduceat(self.hits, self.starts, axis=1), np.add.reduceat(self.sizes, self.starts)
        larger: NDArray[np.float64] = np.maximum(_effect(self.hits, self.sizes), _effect(*launches))
        return np.maximum(larger, 1.0)


class Samples:
    """Sorted slices, to count from many times."""

    def __init__(self, launches: Launches) -> None:
        """Take them in; empty slices and launches are left out."""
        kept = [[np.sort(np.asarray(part, dtype=np.float64)) for part in one if len(part)] for one in launches]
        kept = [one for one in kept if one]
        self._slices = [part for one in kept for part in one]
        self._sizes = np.array([len(part) for part in self._slices], dtype=np.float64)
        self._starts = np.cumsum([0, *map(len, kept)])[:-1]
        self.sorted = np.sort(np.concatenate(self._slices)) if self._slices else np.empty(0)

    def above(self, thresholds: NDArray[np.float64], *, included: bool = False) -> Counted:
        """Which samples lie above each threshold, or on it too."""
        side: Literal["left", "right"] = "left" if included else "right"
        below = [np.searchsorted(part, thresholds, side) for part in self._slices]
        return Counted(self._sizes - np.array(below, dtype=np.float64).T, self._sizes, self._starts)


def _effect(hits: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between groups: the variance of the share against that of independent samples, enlarged for few groups."""
    groups, total = len(sizes), sizes.sum()
    if groups < 2:
        return np.zeros(len(hits))
    share = hits.sum(axis=1) / total
    independent = share * (1.0 - share) / total
    between = ((hits - sizes * share[:, None]) ** 2).sum(axis=1) / total**2 * groups / (groups - 1)
    known = independent > 0.0
    return np.where(known, between / np.where(known, independent, 1.0), 0.0) * few_groups(groups)
