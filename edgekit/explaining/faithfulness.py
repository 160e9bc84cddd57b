"""Scores of attributions over many samples, and of several models, with their intervals.

The score is the difference of the areas under the insertion and the deletion curve, in units of what hiding everything
costs: both curves are scaled to 1 at the untouched input and 0 at the hidden one, by means over the samples, as by
Schulz, Sixt, Tombari and Landgraf, Restricting the flow, ICLR 2020 (https://arxiv.org/abs/2001.00396). Without it a
model that is surer of itself would seem better explained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgekit.explaining.attention import last_layer, rollout
from edgekit.explaining.contract import Curve, Faithfulness, Method
from edgekit.explaining.curves import area, curves, order_of
from edgekit.explaining.model import Model
from edgekit.explaining.occlusion import occlusion
from edgekit.explaining.segments import segments
from edgekit.statistics.crossed import crossed

Floats = NDArray[np.float64]
_ROWS: Final = 4096
"""About as many inputs are made at a time."""
NOTHING: Final = "hiding the whole input does not lower the probability of the answer, so nothing explains it"


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """One method in one model: ``attribution`` is ``[samples, segments]``, the curves have one point more."""

    attribution: Floats
    deletion: Floats
    insertion: Floats

    @property
    def gain(self) -> Floats:
        """Insertion minus deletion of each sample."""
        return area(self.insertion) - area(self.deletion)

    @property
    def cost(self) -> Floats:
        """The probability that hiding everything costs, of each sample."""
        found: Floats = self.deletion[:, 0] - self.deletion[:, -1]
        return found


def measure(
    model: Model,
    looked: Model | None,
    x: NDArray[np.generic],
    blank: NDArray[np.generic],
    methods: Sequence[Method],
    progress: Callable[[int], None] = lambda done: None,
) -> dict[Method, Measured]:
    """Explain the answer to every sample by each of the methods, and follow each explanation's curves.

    Args:
        model: answers.
        looked: gives the attention weights; None where no method needs them.
        x: the samples ``[samples, length, *step]``.
        blank: what a hidden step holds, ``[*step]``.
        methods: in the order wanted.
        progress: told how many samples are done.
    """
    parts = segments(x.shape[1])
    ways: Mapping[Method, Callable[[Floats], Floats]] = {"attention": last_layer, "rollout": rollout}
    found: dict[Method, list[tuple[Floats, Floats, Floats]]] = {method: [] for method in methods}
    size = max(1, _ROWS // (2 * (len(parts) + 1)))
    for start in range(0, len(x), size):
        some = x[start : start + size]
        target = model.answer(some).argmax(axis=1)
        weights = looked.attention(some) if looked is not None else None
        for method in methods:
            if method == "occlusion":
                attribution = occlusion(model, some, blank, parts, target)
            else:
                assert weights is not None
                attribution = ways[method](weights) @ parts.T.astype(np.float64)
            # Of samples in one chunk alone the random order of ties is that of their places in it.
            order = order_of(attribution, seed=start)
            found[method].append((attribution, *curves(model, some, blank, parts, order, target)))
        progress(start + len(some))
    return {
        method: Measured(
            attribution=np.concatenate([one[0] for one in pieces]),
            deletion=np.concatenate([one[1] for one in pieces]),
            insertion=np.concatenate([one[2] for one in pieces]),
        )
        for method, pieces in found.items()
    }


def values(measured: Sequence[Measured]) -> Floats | None:
    """One number for each model and sample whose mean over a model's samples is its score ``[models, samples]``.

    The score is a ratio of two means; these are its linearised values (Cochran, Sampling techniques, 1977, chapter 6),
    so that means, differences and intervals of scores are those of ordinary samples. None where hiding everything does
    not surely cost anything in some model.
    """
    found = []
    for one in measured:
        cost = crossed(one.cost[None])
        if cost.value <= 0.0 or (cost.low is not None and cost.low <= 0.0):
            return None
        score = float(one.gain.mean()) / cost.value
        found.append(score + (one.gain - score * one.cost) / cost.value)
    return np.stack(found)


def score(method: Method, measured: Sequence[Measured], occluded: Sequence[Measured] | None = None) -> Faithfulness:
    """The faithfulness of one method over the samples, in one model or several that answered the same samples.

    Args:
        method: that was measured.
        measured: in each model.
        occluded: what occlusion gave there, to tell the difference from.
    """
    linear = values(measured)
    mean = None if linear is None else crossed(linear)
    other = None if occluded is None or method == "occlusion" else values(occluded)
    apart = None if linear is None or other is None else crossed(linear - other)
    deletion = np.stack([one.deletion for one in measured])
    insertion = np.stack([one.insertion for one in measured])
    return Faithfulness(
        method=method,
        score=None if mean is None else mean.value,
        low=None if mean is None else mean.low,
        high=None if mean is None else mean.high,
        deletion=float(area(deletion).mean()),
        insertion=float(area(insertion).mean()),
        full=float(deletion[..., 0].mean()),
        hidden=float(deletion[..., -1].mean()),
        samples=deletion.shape[1],
        deletion_curve=_curve(deletion),
        insertion_curve=_curve(insertion),
        difference=None if apart is None else apart.value,
        difference_low=None if apart is None else apart.low,
        difference_high=None if apart is None else apart.high,
        reason=NOTHING if mean is None else None,
    )


def _curve(found: Floats) -> Curve:
    """The mean of curves ``[models, samples, points]``."""
    points = [crossed(found[:, :, point]) for point in range(found.shape[2])]
    return Curve(
        share=tuple(float(one) for one in np.linspace(0.0, 1.0, len(points))),
        value=tuple(one.value for one in points),
        low=tuple(one.low for one in points),
        high=tuple(one.high for one in points),
    )
