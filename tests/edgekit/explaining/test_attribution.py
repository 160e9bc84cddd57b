"""Attribution from attention, segments, orders and curves, as arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.explaining.attention import last_layer, rollout
from edgekit.explaining.curves import area, order_of
from edgekit.explaining.faithfulness import NOTHING, Measured, score, values
from edgekit.explaining.segments import hide, names, pooled, segments


def attention(layers: int, heads: int, steps: int, seed: int = 0) -> np.ndarray:
    raw = np.tril(np.random.default_rng(seed).random((2, layers, heads, steps, steps)) + 0.01)
    return np.asarray(raw / raw.sum(axis=-1, keepdims=True))


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 6))
def test_rollout_gives_shares(layers: int, heads: int, steps: int) -> None:
    found = rollout(attention(layers, heads, steps))
    assert found.shape == (2, steps)
    assert (found >= 0.0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_rollout_of_one_layer_is_half_its_attention_and_half_the_step_itself() -> None:
    weights = attention(1, 2, 4)
    expected = 0.5 * last_layer(weights)
    expected[:, -1] += 0.5
    np.testing.assert_allclose(rollout(weights), expected)


def test_rollout_follows_the_layers_in_their_order() -> None:
    weights = attention(2, 1, 3)[:1]
    first, second = (0.5 * weights[0, layer, 0] + 0.5 * np.eye(3) for layer in range(2))
    np.testing.assert_allclose(rollout(weights)[0], (second @ first)[-1])


@given(st.integers(1, 300), st.integers(1, 64))
def test_segments_are_a_partition_in_order(length: int, most: int) -> None:
    found = segments(length, most)
    assert len(found) == min(length, most)
    assert (found.sum(axis=0) == 1).all()
    assert (found.sum(axis=1) >= 1).all()
    assert (np.diff(found.argmax(axis=1)) > 0).all()
    assert len(set(names(found))) == len(found)


def test_pooled_attention_still_adds_up() -> None:
    weights = attention(2, 2, 7)
    parts = segments(7, 3)
    found = pooled(weights, parts)
    assert found.shape == (2, 2, 2, 3, 3)
    np.testing.assert_allclose(found.sum(axis=-1), 1.0)
    np.testing.assert_allclose(pooled(weights, segments(7)), weights)
    np.testing.assert_allclose(found[0, 0, 0, 0, 0], weights[0, 0, 0, :3, :3].sum(axis=1).mean())


def test_what_is_hidden_is_blank_and_the_rest_is_untouched() -> None:
    x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    hidden = np.array([[True, False, False], [False, False, True]])
    found = hide(x, hidden, np.array([-1.0, -2.0], dtype=np.float32))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[~hidden], x[~hidden])
    np.testing.assert_array_equal(found[hidden], [[-1, -2], [-1, -2]])
    tokens = hide(np.array([[5, 6, 7]]), hidden[:1], np.array(0))
    np.testing.assert_array_equal(tokens, [[0, 6, 7]])


def test_ties_are_broken_by_chance_not_by_place() -> None:
    orders = order_of(np.zeros((400, 5)), seed=1)
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(5), (400, 1)))
    firsts = np.bincount(orders[:, 0], minlength=5)
    assert firsts.min() > 40
    np.testing.assert_array_equal(orders, order_of(np.zeros((400, 5)), seed=1))
    np.testing.assert_array_equal(order_of(np.array([[0.1, 0.5, 0.3]])), [[1, 2, 0]])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_the_area_of_a_curve_lies_within_it(points: list[float]) -> None:
    found = float(area(np.array(points)))
    assert min(points) - 1e-9 <= found <= max(points) + 1e-9
    assert float(area(np.array([0.0, 1.0]))) == pytest.approx(0.5)


def curve(generator: np.random.Generator, full: float, hidden: float, samples: int = 30) -> np.ndarray:
    inner = generator.uniform(hidden, full, (samples, 4))
    ends = np.full((samples, 1), full), np.full((samples, 1), hidden)
    return np.concatenate([ends[0], inner, ends[1]], axis=1)


def measured(deletion: np.ndarray, insertion: np.ndarray) -> Measured:
    return Measured(attribution=np.zeros((len(deletion), 5)), deletion=deletion, insertion=insertion)


def test_a_model_that_is_surer_of_itself_is_not_scored_higher() -> None:
    generator = np.random.default_rng(0)
    deletion = curve(generator, 0.9, 0.1)
    insertion = curve(generator, 0.9, 0.1)[:, ::-1]
    sure = score("occlusion", [measured(deletion, insertion)])
    unsure = score("occlusion", [measured(0.5 * deletion, 0.5 * insertion)])
    assert sure.score == pytest.approx(unsure.score)
    assert (sure.low, sure.high) == pytest.approx((unsure.low, unsure.high))
    linear = values([measured(deletion, insertion)])
    assert linear is not None
    assert linear.mean() == pytest.approx(sure.score)


def test_where_hiding_everything_costs_nothing_there_is_no_score() -> None:
    flat = np.full((30, 6), 0.5) + np.random.default_rng(0).normal(0.0, 0.01, (30, 6))
    found = score("occlusion", [measured(flat, flat)])
    assert (found.score, found.low, found.high) == (None, None, None)
    assert found.reason == NOTHING
