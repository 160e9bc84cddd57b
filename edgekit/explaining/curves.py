"""Deletion and insertion: whether what an explanation calls important is what the model's answer rests on.

Petsiuk, Das and Saenko, RISE, BMVC 2018 (https://arxiv.org/abs/1806.07421): hide the steps, the most important first,
and watch the probability of the answer fall (deletion); show them again in the same order and watch it rise
(insertion). Deletion is the perturbation curve of Samek et al., Evaluating the visualization of what a deep neural
network has learned, IEEE TNNLS 2017 (https://arxiv.org/abs/1509.06321).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from edgekit.explaining.model import Model
from edgekit.explaining.segments import Bools, hide

Floats = NDArray[np.float64]


def order_of(attribution: Floats, seed: int = 0) -> NDArray[np.intp]:
    """Segments by falling attribution ``[samples, segments]``; what ties comes in a random order, drawn with ``seed``.

    By their place, ties would borrow from wherever the answer happens to lie.
    """
    chance = np.random.default_rng(seed).random(attribution.shape)
    order: NDArray[np.intp] = np.lexsort((chance, -attribution))
    return order


def curves(
    model: Model,
    x: NDArray[np.generic],
    blank: NDArray[np.generic],
    parts: Bools,
    order: NDArray[np.intp],
    target: NDArray[np.intp],
) -> tuple[Floats, Floats]:
    """The probability of class ``target`` after 0, 1, ... segments were hidden, and after as many were shown.

    Args:
        model: asked ``2 (segments + 1)`` times a sample.
        x: the samples ``[samples, length, *step]``.
        blank: what a hidden step holds, ``[*step]``.
        parts: the segments ``[segments, length]``.
        order: of the segments ``[samples, segments]``, the most important first.
        target: the class that is explained ``[samples]``.

    Returns:
        Deletion and insertion, ``[samples, segments + 1]`` each.
    """
    samples, count = order.shape
    taken = np.tril(np.ones((count + 1, count), dtype=bool), k=-1)  # [changed, place in the order]
    touched = np.zeros((samples, count + 1, count), dtype=bool)
    np.put_along_axis(touched, np.broadcast_to(order[:, None], touched.shape), np.broadcast_to(taken, touched.shape), 2)
    steps = touched @ parts  # [samples, changed, length]
    rows = np.concatenate([steps, ~steps], axis=1)
    whole = np.repeat(x, rows.shape[1], axis=0)
    found = model.answer(hide(whole, rows.reshape(-1, rows.shape[2]), blank)).reshape(samples, rows.shape[1], -1)
    of_target = found[np.arange(samples), :, target]
    return of_target[:, : count + 1], of_target[:, count + 1 :]


def area(curve: Floats) -> Floats:
    """The area under curves ``[..., points]`` over the share of segments changed, by the trapezoidal rule."""
    return np.asarray(trapezoid(curve, dx=1.0 / (curve.shape[-1] - 1), axis=-1), dtype=np.float64)
