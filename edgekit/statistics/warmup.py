"""How long a series takes to settle, found in the samples instead of assumed.

Welch's procedure (The Statistical Analysis of Simulation Results, 1983): the series of all slices are put on top of one
another and their median at each position is taken, which leaves what they have in common. Where to cut that series is
MSER's choice (White, An effective truncation heuristic for bias reduction in simulation output, Simulation 1997): where
the standard error of the mean of the rest is least. The same number is cut from every slice: cutting each where it
looks best would throw true slow samples away. A cut in the second half means that no steady state was reached, which
is an answer (Barrett et al., Virtual machine warmup blows hot and cold, OOPSLA 2017).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_FEWEST_SLICES = 5
_FEWEST_SAMPLES = 10
_MATERIAL = 0.02
"""A start that differs by less than 2 % from the rest is none to speak of."""
_CLEAR = 5.0
"""Nor is one within five standard errors: the cut was chosen where the difference looks largest."""


def warmup_length(slices: Sequence[Sequence[float]]) -> int | None:
    """How many samples at the start of every slice are warm-up; None where the slices do not settle.

    Slices that are too few or too short to tell have no warm-up.
    """
    if len(slices) < _FEWEST_SLICES:
        return 0
    length = int(np.median([len(part) for part in slices]))
    whole = [part[:length] for part in slices if len(part) >= length]
    if length < _FEWEST_SAMPLES or len(whole) < _FEWEST_SLICES:
        return 0
    common = np.median(np.array(whole, dtype=np.float64), axis=0)
    cuts = np.arange(length - _FEWEST_SAMPLES // 2)
    cut = int(np.argmin([np.var(common[at:]) / (length - at) for at in cuts]))
    if cut == 0:
        return 0
    start, rest = float(np.mean(common[:cut])), float(np.mean(common[cut:]))
    noise = float(np.std(common[cut:], ddof=1)) * math.sqrt(1.0 / cut + 1.0 / (length - cut))
    if abs(start - rest) <= max(_MATERIAL * rest, _CLEAR * noise):
        return 0
    return cut if cut <= length // 2 else None
