"""Rounding weights with feedback: what one row loses by rounding, the rows that are still to come make up for.

The activations that meet a weight matrix are far from independent (the states of an LSTM with 896 units move in about
50 directions), so errors of different rows can cancel in the product. This is the method of Frantar et al., "GPTQ:
Accurate Post-Training Quantization for Generative Pre-trained Transformers", ICLR 2023 (arXiv 2210.17323), with a
bound that GPTQ does not know: of two rows 2k and 2k+1 that meet in one instruction, the second to be rounded stays
within what the first has left of ``pair_limit`` (see :mod:`edgekit_export.quantize.weights`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
# A share of the mean diagonal, which keeps directions that the inputs hardly took from deciding. Ten times the paper's:
# calibration here sees thousands of rows, not hundreds of thousands, and errors that only seem to cancel on them come
# back on held-out inputs (preset seed: 5 % more error than by rounding to the nearest).
_DAMPING: Final = 0.1
_BLOCK: Final = 64


def round_with_feedback(
    exact: Doubles, scales: Doubles, gram: Doubles, *, low: int, high: int, pair_limit: int | None = None
) -> NDArray[np.int8]:
    """Integers for which ``inputs @ (integers * scales)`` is close to ``inputs @ exact``.

    Args:
        exact: weights ``[inputs, outputs]``, finite.
        scales: positive, ``[inputs, outputs]`` or what broadcasts to it.
        gram: ``inputs.T @ inputs``, ``[inputs, inputs]``, of the activations that the weights will meet.
        low: the least integer.
        high: the largest integer.
        pair_limit: bound on the sum of two rows 2k and 2k+1 of one sign, in absolute value; none without it.

    Returns:
        int8 ``[inputs, outputs]``.
    """
    depth = len(exact)
    scales = np.broadcast_to(scales, exact.shape)
    order = np.argsort(-np.diag(gram), kind="stable")  # the rows that matter most first
    factor = _factor(gram[np.ix_(order, order)])
    left = exact[order].copy()
    integers = np.zeros(exact.shape, np.int8)
    done = np.zeros(depth + 1, bool)
    for start in range(0, depth, _BLOCK):
        stop = min(start + _BLOCK, depth)
        errors = np.empty((stop - start, exact.shape[1]))
        for step in range(start, stop):
            row = order[step]
            least, most = np.array(float(low)), np.array(float(high))
            if pair_limit is not None and done[row ^ 1]:
                other = integers[row ^ 1].astype(np.float64)
                least = np.where(other < 0, np.maximum(low, -pair_limit - other), low)
                most = np.where(other > 0, np.minimum(high, pair_limit - other), high)
            rounded = np.clip(np.rint(left[step] / scales[row]), least, most)
            integers[row], done[row] = rounded, True
            errors[step - start] = (left[step] - rounded * scales[row]) / factor[step, step]
            left[step + 1 : stop] -= np.outer(factor[step, step + 1 : stop], errors[step - start])
        left[stop:] -= factor[start:stop, stop:].T @ errors
    return integers


def output_error(difference: Doubles, gram: Doubles) -> Doubles:
    """The squared error of each output ``[outputs]``, summed over the inputs behind ``gram``."""
    error: Doubles = np.einsum("io,io->o", difference, gram @ difference)
    return error


def _factor(gram: Doubles) -> Doubles:
    """Upper triangular U with U.T @ U the inverse of the damped ``gram``; a row that no input met counts for itself."""
    damped = gram + np.eye(len(gram)) * max(_DAMPING * float(np.diag(gram).mean()), float(np.finfo(np.float64).tiny))
    upper: Doubles = np.linalg.cholesky(np.linalg.inv(damped)).T
    return upper
