"""Weights to 8-bit integers, one scale per output channel, without products that saturate.

x86 processors without VNNI multiply unsigned activations by signed weights with ``VPMADDUBSW``, which adds two
neighbouring products into 16 bits: 255 * (a + b) overflows once two weights of one sign have abs(a) + abs(b) > 128
(Intel SDM vol. 2, VPMADDUBSW; ONNX Runtime issues #14642 and #6004; measured: exactly the rows 2k and 2k+1 of the
weight matrix meet). The usual remedy, 7-bit weights (``reduce_range``), pays one bit everywhere. Scaling each output
channel just so far that its own pairs stay below the limit is as safe and loses less: ``PAIR_LIMIT`` 127 also keeps
the sum inside a signed byte.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgekit_export.quantize.feedback import output_error, round_with_feedback

PAIR_LIMIT: Final = 127
_FULL = 127
_SEVEN_BIT = 63
# Rounding adds at most 1/2 to each weight of a pair: at 127/126 of the tight scale the pair is safe for certain.
_STRETCH = np.linspace(1.0, _FULL / (_FULL - 1), 9)


def quantize_columns(
    weights: NDArray[np.float32], *, pair_safe: bool, gram: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantize symmetrically: ``weights`` is about ``integers * scales``.

    Args:
        weights: ``[inputs, outputs]``, finite; an output's weights are one column.
        pair_safe: no two rows 2k and 2k+1 of one column that have the same sign add up to more than ``PAIR_LIMIT``
            in absolute value. Of the scales that hold it, each column gets the one with the least squared error, so
            that no column is worse than with 7 bits.
        gram: of the activations that the weights will meet, ``[inputs, inputs]``. With it rounding is done with
            feedback where that brings an output closer on those activations; the scales stay the same.

    Returns:
        int8 ``[inputs, outputs]`` in [-127, 127], and the float32 scales ``[outputs]``.

    Raises:
        ValueError: a weight is NaN or infinite.
    """
    exact = weights.astype(np.float64)
    if not np.isfinite(exact).all():
        raise ValueError("the weights hold NaN or infinity")
    integers, scales = _nearest(exact, pair_safe=pair_safe)
    if gram is None:
        return integers, scales
    limit = PAIR_LIMIT if pair_safe else None
    wide = scales.astype(np.float64)
    better = round_with_feedback(exact, wide, gram, low=-_FULL, high=_FULL, pair_limit=limit)
    before, after = (output_error(exact - candidate * wide, gram) for candidate in (integers, better))
    return np.where(after < before, better, integers), scales


def _nearest(exact: NDArray[np.float64], *, pair_safe: bool) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Scales, and the weights rounded to the nearest step of them."""
    largest = np.abs(exact).max(axis=0, initial=0.0)
    # A column of (almost) zeros has no scale that float32 can hold: its integers are zero.
    dead = largest < _FULL * float(np.finfo(np.float32).tiny)
    tight = largest / _FULL
    if not pair_safe:
        return _round(exact, tight, dead)
    tight = np.maximum(tight, _pair_sums(exact) / PAIR_LIMIT)
    best, scales = _round(exact, largest / _SEVEN_BIT, dead)
    least = _squared_error(exact, best, scales)
    for stretch in _STRETCH:
        candidate, candidate_scales = _round(exact, tight * stretch, dead)
        error = _squared_error(exact, candidate, candidate_scales)
        better = (error < least) & (_pair_sums(candidate) <= PAIR_LIMIT)
        best[:, better], scales[better], least[better] = (
            candidate[:, better],
            candidate_scales[better],
            error[better],
        )
    return best, scales


def _round(
    exact: NDArray[np.float64], scales: NDArray[np.float64], dead: NDArray[np.bool_]
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    stored = np.where(dead, 1.0, scales).astype(np.float32)
    integers = np.rint(np.where(dead, 0.0, exact) / stored.astype(np.float64))
    return np.clip(integers, -_FULL, _FULL).astype(np.int8), stored


def _pair_sums(matrix: NDArray[np.float64] | NDArray[np.int8]) -> NDArray[np.float64]:
    """Per column the largest abs(a) + abs(b) over its pairs of one sign (0 where there is none)."""
    exact = matrix.astype(np.float64)
    if exact.shape[0] % 2:
        exact = np.vstack([exact, np.zeros((1, exact.shape[1]))])
    a, b = exact[0::2], exact[1::2]
    sums: NDArray[np.float64] = np.where(a * b > 0, np.abs(a + b), 0.0).max(axis=0, initial=0.0)
    return sums


def _squared_error(
    exact: NDArray[np.float64], integers: NDArray[np.int8], scales: NDArray[np.float32]
) -> NDArray[np.float64]:
    error: NDArray[np.float64] = np.square(exact - integers * scales.astype(np.float64)).sum(axis=0)
    return error
