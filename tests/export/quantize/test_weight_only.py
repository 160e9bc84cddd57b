"""int8-weight and int4-weight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from onnx import helper

from edgekit_export.graph.facts import read_facts
from edgekit_export.graph.precision import precision_of
from edgekit_export.quantize import find
from edgekit_export.quantize.contract import Converted, Refused
from edgekit_export.quantize.int4_weight import BLOCK, packed, quantize_blocks
from edgekit_export.quantize.int8_weight import LEAST_WEIGHTS
from edgekit_targets.types.manifest import Quantized

Floats = NDArray[np.float32]
Graph = Callable[..., onnx.ModelProto]
Run = Callable[[onnx.ModelProto, Floats], Floats]
RANDOM = np.random.default_rng(0)
NUMBERS = st.floats(-1e3, 1e3, width=32, allow_subnormal=False)
MATRICES = hnp.arrays(np.float32, st.tuples(st.integers(1, 70), st.integers(1, 4)), elements=NUMBERS)


def weights(*shape: int) -> Floats:
    return RANDOM.standard_normal(shape).astype(np.float32)


def large(graph: Graph) -> onnx.ModelProto:
    """More weights than the least, 500 of them deep: no multiple of the block."""
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["h"]),
        helper.make_node("Gemm", ["h", "b", "bias"], ["logits"], transB=1),
    ]
    held = {"a": weights(500, 520), "b": weights(7, 520), "bias": weights(7)}
    return graph(nodes, held, shape=("batch", 500), output=("batch", 7))


@pytest.mark.parametrize(("name", "bound", "share"), [("int8-weight", 0.015, 0.26), ("int4-weight", 0.2, 0.17)])
def test_it_is_smaller_and_answers_nearly_as_fp32(
    graph: Graph, run: Run, name: str, bound: float, share: float
) -> None:
    source = large(graph)
    result = find(name).apply(source, "portable")
    assert isinstance(result, Converted), result
    onnx.checker.check_model(result.model, full_check=True)
    assert result.quantized == {"Gemm": Quantized(quantized=1, total=1), "MatMul": Quantized(quantized=1, total=1)}
    assert len(result.model.SerializeToString()) < share * len(source.SerializeToString())
    x = weights(9, 500)
    reference = run(source, x)
    assert np.linalg.norm(run(result.model, x) - reference) < bound * np.linalg.norm(reference)
    assert precision_of(result.model) == (name, ())
    assert read_facts(result.model).min_onnxruntime == "1.16"


@pytest.mark.parametrize("name", ["int8-weight", "int4-weight"])
@pytest.mark.parametrize(
    ("kind", "held", "words"),
    [
        ("LSTM", {"W": (1, 12, 4), "R": (1, 12, 3)}, "LSTM (1 of 1) stays float"),
        ("MatMul", {"a": (4, 5)}, f"20 weights are too few to dominate time or memory (offered from {LEAST_WEIGHTS:,}"),
    ],
)
def test_what_it_cannot_promise_is_refused(
    graph: Graph, name: str, kind: str, held: dict[str, Any], words: str
) -> None:
    inputs = {key: weights(*shape) for key, shape in held.items()}
    sizes = {"hidden_size": 3} if kind == "LSTM" else {}
    source = graph([helper.make_node(kind, ["x", *inputs], ["logits"], **sizes)], inputs, shape=("l", 2, 4))  # type: ignore[arg-type]
    result = find(name).apply(source, "portable")
    assert isinstance(result, Refused)
    assert words in result.reason


@pytest.mark.parametrize("name", ["int8-weight", "int4-weight"])
def test_weights_that_are_no_numbers_are_refused(graph: Graph, name: str) -> None:
    held = {"a": np.full((500, 501), np.nan, np.float32)}
    result = find(name).apply(graph([helper.make_node("MatMul", ["x", "a"], ["logits"])], held), "portable")
    assert result == Refused(reason="the weights hold NaN or infinity")


@settings(deadline=None)
@given(MATRICES)
def test_blocks_are_off_by_no_more_than_rounding_to_15_levels(matrix: Floats) -> None:
    integers, scales = quantize_blocks(matrix)
    assert integers.min() >= -8
    assert integers.max() <= 7
    for block in range(len(scales)):
        rows = slice(block * BLOCK, (block + 1) * BLOCK)
        exact = matrix[rows].astype(np.float64)
        error = np.square(exact - integers[rows] * scales[block].astype(np.float64)).sum(axis=0)
        assert (error <= len(exact) * np.square(np.abs(exact).max(axis=0) / 7 * 0.501) + 1e-30).all()


@given(hnp.arrays(np.int8, st.tuples(st.integers(1, 70), st.integers(1, 4)), elements=st.integers(-8, 7)))
def test_packing_keeps_every_weight(integers: NDArray[np.int8]) -> None:
    held = packed(integers)
    assert held.shape == (integers.shape[1], -(-len(integers) // BLOCK), BLOCK // 2)
    both = np.stack([held & 15, held >> 4], axis=-1).astype(int).reshape(integers.shape[1], -1) - 8
    np.testing.assert_array_equal(both[:, : len(integers)], integers.T)
    assert not both[:, len(integers) :].any()


def test_feedback_brings_4_bits_closer() -> None:
    x = RANDOM.standard_normal((400, 8)) @ RANDOM.standard_normal((8, 96))
    matrix = weights(96, 20)
    errors = []
    for gram in (None, x.T @ x):
        integers, scales = quantize_blocks(matrix, gram)
        errors.append(float(np.linalg.norm(x @ (matrix - integers * np.repeat(scales, BLOCK, axis=0)))))
    assert errors[1] < 0.5 * errors[0]
