from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from edgekit_export.quantize.weights import PAIR_LIMIT, quantize_columns

Floats = NDArray[np.float32]
Integers = NDArray[np.int8]
NUMBERS = st.floats(-1e3, 1e3, width=32, allow_subnormal=False)
MATRICES = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=NUMBERS)


def seven_bit(weights: Floats) -> tuple[NDArray[np.float64], Floats]:
    """Plain ``reduce_range``: one bit less everywhere."""
    largest = np.abs(weights).max(axis=0)
    scales = np.where(largest > 0, largest / 63, 1).astype(np.float32)
    return np.clip(np.rint(weights / scales.astype(np.float64)), -63, 63), scales


def squared_error(weights: Floats, integers: NDArray[np.generic], scales: Floats) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.square(
        weights.astype(np.float64) - integers.astype(np.float64) * scales.astype(np.float64)
    ).sum(axis=0)
    return result


def saturating_product(activations: NDArray[np.uint8], integers: Integers) -> NDArray[np.int64]:
    """``VPMADDUBSW``: products of neighbours along the depth are added in 16 bits, which clip, and only then in 32."""
    if integers.shape[0] % 2:
        integers = np.vstack([integers, np.zeros((1, integers.shape[1]), np.int8)])
        activations = np.hstack([activations, np.zeros((len(activations), 1), np.uint8)])
    products = activations[:, :, None].astype(np.int64) * integers[None].astype(np.int64)
    pairs = products[:, 0::2] + products[:, 1::2]
    result: NDArray[np.int64] = np.clip(pairs, -(2**15), 2**15 - 1).sum(axis=1)
    return result


@settings(deadline=None)
@given(MATRICES)
def test_no_pair_of_one_sign_exceeds_the_limit(weights: Floats) -> None:
    integers, _ = quantize_columns(weights, pair_safe=True)
    wide = integers.astype(int)
    for k in range(0, len(wide) - 1, 2):
        a, b = wide[k], wide[k + 1]
        assert not ((a * b > 0) & (np.abs(a) + np.abs(b) > PAIR_LIMIT)).any()
    assert np.abs(wide).max() <= 127


@settings(deadline=None)
@given(MATRICES)
def test_no_column_is_worse_than_with_seven_bits(weights: Floats) -> None:
    ours = squared_error(weights, *quantize_columns(weights, pair_safe=True))
    assert (ours <= squared_error(weights, *seven_bit(weights)) * (1 + 1e-9) + 1e-30).all()


@settings(deadline=None)
@given(MATRICES)
def test_full_range_rounds_to_the_nearest_step(weights: Floats) -> None:
    integers, scales = quantize_columns(weights, pair_safe=False)
    error = np.abs(weights.astype(np.float64) - integers * scales.astype(np.float64))
    assert (error <= scales.astype(np.float64) * 0.5001 + 1e-30).all()


@settings(deadline=None)
@given(MATRICES, st.integers(0, 2**32 - 1))
def test_nothing_saturates_whatever_the_activations(weights: Floats, seed: int) -> None:
    integers, _ = quantize_columns(weights, pair_safe=True)
    generator = np.random.default_rng(seed)
    activations = generator.integers(0, 256, (5, len(weights)), dtype=np.uint8)
    activations[0] = 255
    exact = activations.astype(np.int64) @ integers.astype(np.int64)
    np.testing.assert_array_equal(saturating_product(activations, integers), exact)


def test_the_full_range_does_saturate_there() -> None:
    """The emulation can tell: the same weights at full range go wrong."""
    weights = np.random.default_rng(0).uniform(0.5, 1, (64, 16)).astype(np.float32)
    activations = np.full((1, 64), 255, np.uint8)
    full, _ = quantize_columns(weights, pair_safe=False)
    assert (saturating_product(activations, full) < activations.astype(np.int64) @ full.astype(np.int64)).all()


@pytest.mark.parametrize("draw", ["normal", "laplace", "uniform"])
def test_the_error_is_clearly_below_seven_bits(draw: str) -> None:
    generator = np.random.default_rng(1)
    weights = (
        generator.uniform(-1, 1, (128, 256)) if draw == "uniform" else getattr(generator, draw)(size=(128, 256))
    ).astype(np.float32)
    ours = squared_error(weights, *quantize_columns(weights, pair_safe=True)).sum()
    assert ours < 0.95**2 * squared_error(weights, *seven_bit(weights)).sum()


def test_zeros_and_tiny_columns_stay_finite() -> None:
    weights = np.array([[0, 1e-42, 1.0], [0, -1e-42, 1.0]], np.float32)
    integers, scales = quantize_columns(weights, pair_safe=True)
    assert np.isfinite(scales).all()
    assert (scales > 0).all()
    assert not integers[:, :2].any()
    assert integers[:, 2].tolist() == [63, 63]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        quantize_columns(np.array([[1.0], [bad]], np.float32), pair_safe=True)
