from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from edgekit_export.quantize.feedback import output_error, round_with_feedback
from edgekit_export.quantize.weights import PAIR_LIMIT, quantize_columns

NUMBERS = st.floats(-1e3, 1e3, width=32, allow_subnormal=False)
MATRICES = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9), elements=NUMBERS)


def correlated(rows: int, inputs: int, directions: int, seed: int = 0) -> NDArray[np.float64]:
    """Activations that move in a few directions, as the states of an LSTM do."""
    generator = np.random.default_rng(seed)
    mixed: NDArray[np.float64] = generator.normal(size=(rows, directions)) @ generator.normal(size=(directions, inputs))
    return mixed + 0.05 * generator.normal(size=(rows, inputs))


@settings(deadline=None)
@given(MATRICES, st.integers(0, 2**32 - 1))
def test_no_pair_of_one_sign_exceeds_the_limit_with_feedback_either(weights: NDArray[np.float32], seed: int) -> None:
    x = correlated(20, len(weights), 2, seed)
    integers, _ = quantize_columns(weights, pair_safe=True, gram=x.T @ x)
    wide = integers.astype(int)
    a, b = wide[0 : len(wide) // 2 * 2 : 2], wide[1::2]
    assert not ((a * b > 0) & (np.abs(a) + np.abs(b) > PAIR_LIMIT)).any()
    assert np.abs(wide).max() <= 127


@settings(deadline=None)
@given(MATRICES, st.booleans(), st.integers(0, 2**32 - 1))
def test_no_output_is_worse_than_by_rounding_to_the_nearest(
    weights: NDArray[np.float32], pair_safe: bool, seed: int
) -> None:
    x = correlated(20, len(weights), 2, seed)
    gram = x.T @ x
    errors = []
    for given_gram in (None, gram):
        integers, scales = quantize_columns(weights, pair_safe=pair_safe, gram=given_gram)
        errors.append(output_error(weights.astype(np.float64) - integers * scales.astype(np.float64), gram))
    assert (errors[1] <= errors[0] * (1 + 1e-9) + 1e-12).all()


@pytest.mark.parametrize("pair_safe", [True, False])
def test_on_correlated_activations_the_error_is_halved(pair_safe: bool) -> None:
    weights = np.random.default_rng(1).normal(size=(96, 64)).astype(np.float32)
    x, held_out = correlated(600, 96, 8)[:300], correlated(600, 96, 8)[300:]
    errors = []
    for gram in (None, x.T @ x):
        integers, scales = quantize_columns(weights, pair_safe=pair_safe, gram=gram)
        errors.append(float(np.linalg.norm(held_out @ (weights - integers * scales.astype(np.float64)))))
    assert errors[1] < 0.5 * errors[0]


def test_independent_activations_of_equal_size_leave_nothing_to_make_up_for() -> None:
    weights = np.random.default_rng(2).normal(size=(10, 6))
    integers = round_with_feedback(weights, np.full(6, 0.02), np.eye(10), low=-127, high=127)
    np.testing.assert_array_equal(integers, np.rint(weights / 0.02))


def test_activations_that_are_always_zero_do_no_harm() -> None:
    weights = np.random.default_rng(3).normal(size=(8, 4)).astype(np.float32)
    plain, _ = quantize_columns(weights, pair_safe=True)
    integers, _ = quantize_columns(weights, pair_safe=True, gram=np.zeros((8, 8)))
    np.testing.assert_array_equal(integers, plain)


def test_blocks_do_not_change_the_answer_of_the_plain_recursion() -> None:
    """The textbook loop (Frantar et al. 2023, algorithm 1, block size 1) on more rows than one block has."""
    x = correlated(400, 150, 20)
    gram = x.T @ x
    weights = np.random.default_rng(4).normal(size=(150, 3))
    order = np.argsort(-np.diag(gram), kind="stable")
    damped = gram[np.ix_(order, order)] + np.eye(150) * 0.1 * np.diag(gram).mean()
    upper = np.linalg.cholesky(np.linalg.inv(damped)).T
    left, wanted = weights[order].copy(), np.zeros((150, 3))
    for step in range(150):
        wanted[order[step]] = np.clip(np.rint(left[step] / 0.03), -127, 127)
        error = (left[step] - wanted[order[step]] * 0.03) / upper[step, step]
        left[step + 1 :] -= np.outer(upper[step, step + 1 :], error)
    integers = round_with_feedback(weights, np.full(3, 0.03), gram, low=-127, high=127)
    np.testing.assert_array_equal(integers, wanted)
