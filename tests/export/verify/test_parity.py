from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit_export.quantize import find
from edgekit_export.verify import parity
from edgekit_targets.types.manifest import Parity, Weights

Floats = NDArray[np.float32]
AT = ((1, 1), (3, 2))
REFERENCE = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)


def judge(
    precision: str = "fp32",
    *,
    off: float = 0.0,
    held_out: Floats | None = None,
    answers: list[Floats] | None = None,
    weights: Weights = "trained",
) -> Parity:
    references = [REFERENCE[:1], REFERENCE[:3]]
    return parity.compare(
        answers=[array + np.float32(off) for array in references] if answers is None else answers,
        references=references,
        held_out=REFERENCE + np.float32(off) if held_out is None else held_out,
        held_out_reference=REFERENCE,
        at=AT,
        precision=find(precision),
        weights=weights,
    )


@pytest.mark.parametrize("length", [1, 2, 3, 7, 25])
def test_points_are_five_or_more_one_by_one_among_them_and_never_the_example(length: int) -> None:
    free = parity.points(length, fixed_length=False)
    assert len(set(free)) == len(free) >= 5
    assert (1, 1) in free
    assert (parity.TRACED_BATCH, parity.TRACED_LENGTH) not in free
    fixed = parity.points(length, fixed_length=True)
    assert len(set(fixed)) >= 5
    assert {at for _, at in fixed} == {length}
    assert parity.TRACED_BATCH not in {batch for batch, _ in fixed}
    assert free[-1] == fixed[-1] == (8, length)


def test_point_inputs_look_like_the_samples_and_repeat() -> None:
    samples = np.random.default_rng(1).normal([5.0, -100.0], [1.0, 20.0], (50, 10, 2)).astype(np.float32)
    at = ((400, 10),)
    (first,), (second,) = (list(parity.point_inputs(samples, at, seed=4)) for _ in range(2))
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first.mean(axis=(0, 1)), [5, -100], atol=2)
    np.testing.assert_allclose(first.std(axis=(0, 1)), [1, 20], rtol=0.1)


def test_equal_answers_pass_with_their_figures() -> None:
    found = judge()
    assert found.points == AT
    assert (found.reference, found.max_abs_error, found.relative_error) == ("pytorch", 0.0, 0.0)
    assert found.tolerance == pytest.approx(1e-5 * np.abs(REFERENCE).max())


def test_the_tolerance_never_falls_below_that_of_one() -> None:
    small = REFERENCE[:1] * 1e-3
    found = parity.compare(
        answers=[small],
        references=[small],
        held_out=small,
        held_out_reference=small,
        at=((1, 1),),
        precision=find("fp32"),
        weights="random",
    )
    assert found.tolerance == 1e-5


def test_an_error_within_the_bound_is_told_and_one_beyond_it_fails() -> None:
    assert judge(off=5e-6).max_abs_error == pytest.approx(5e-6, rel=0.1)
    with pytest.raises(parity.ParityFailed, match=r"max abs error 0.001 .*allowed"):
        judge(off=1e-3)


def test_the_relative_bound_of_int8_depends_on_the_weights() -> None:
    scaled = REFERENCE * np.float32(1.02)
    answers = [REFERENCE[:1], REFERENCE[:3]]
    found = judge("int8-dynamic", held_out=scaled, answers=answers, weights="random")
    assert found.relative_error == pytest.approx(0.02, rel=1e-3)
    with pytest.raises(parity.ParityFailed, match=r"relative error 2\.00%.*allowed 1\.50% with trained"):
        judge("int8-dynamic", held_out=scaled, answers=answers, weights="trained")


def test_a_frozen_shape_and_nan_fail() -> None:
    with pytest.raises(parity.ParityFailed, match="3x2 it gives"):
        judge(answers=[REFERENCE[:1], REFERENCE[:1]])
    with pytest.raises(parity.ParityFailed, match="held-out"):
        judge(held_out=REFERENCE[:4])
    with pytest.raises(parity.ParityFailed, match="its outputs hold NaN"):
        judge(held_out=REFERENCE * np.float32("nan"))


def test_relative_error_of_zeros() -> None:
    zeros = np.zeros_like(REFERENCE)
    assert parity.relative_error(zeros, zeros) == 0.0
    with pytest.raises(parity.ParityFailed, match="zeros only"):
        parity.relative_error(REFERENCE, zeros)
