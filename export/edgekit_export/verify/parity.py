"""Parity: the artifact's answers against PyTorch's, at shapes it was not traced at.

A graph can be wrong at every shape but that of its example (a frozen Reshape, a specialised batch) without any
checker seeing it, so several (batch, length) points are run, 1x1 among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgekit_targets.errors import CheckFailed
from edgekit_targets.types.manifest import Parity, Weights

Floats = NDArray[np.float32]
TRACED_BATCH = 6
TRACED_LENGTH = 7
"""The example every graph is traced at (its length only where that is free). None of the points below is 6 x 7."""


class Bounds(Protocol):
    """What a precision allows; see :class:`edgekit_export.quantize.contract.Precision`."""

    @property
    def tolerance(self) -> float:
        """Bound of the absolute error, as a share of max(1, largest absolute reference output)."""

    @property
    def relative_limit(self) -> Mapping[Weights, float]:
        """Bound of the relative error by the origin of the weights."""


class ParityFailed(CheckFailed):
    """The artifact does not answer as PyTorch does; the message holds the figures."""


def points(length: int, *, fixed_length: bool) -> tuple[tuple[int, int], ...]:
    """The (batch, length) pairs that are checked, the golden inputs' own (8, ``length``) last."""
    if fixed_length:
        return tuple((batch, length) for batch in (1, 2, 3, 5, 8))
    wanted = [(1, 1), (1, length), (3, length + 4), (2, 2 * length + 1), (5, 3), (8, length)]
    return tuple(dict.fromkeys(wanted))


def point_inputs(samples: Floats, at: tuple[tuple[int, int], ...], seed: int) -> Iterator[Floats]:
    """Seeded normal inputs ``[batch, length, features]`` with the mean and deviation of ``samples``, per feature.

    Of token ids, any that occur in ``samples`` ``[samples, length]``.
    """
    generator = np.random.default_rng(seed)
    if samples.dtype.kind == "i":
        known = np.unique(samples)
        for batch, length in at:
            yield generator.choice(known, size=(batch, length))
        return
    mean, deviation = samples.mean(axis=(0, 1)), samples.std(axis=(0, 1))
    for batch, length in at:
        noise = generator.standard_normal((batch, length, samples.shape[2]))
        yield (mean + deviation * noise).astype(np.float32)


def compare(
    *,
    answers: list[Floats],
    references: list[Floats],
    held_out: Floats,
    held_out_reference: Floats,
    at: tuple[tuple[int, int], ...],
    precision: Bounds,
    weights: Weights,
) -> Parity:
    """Hold an artifact's answers against the reference.

    Args:
        answers: the artifact's outputs, one array a point.
        references: PyTorch's, likewise.
        held_out: the artifact's outputs on held-out inputs, run one by one ``[samples, classes]``.
        held_out_reference: PyTorch's, likewise.
        at: the points.
        precision: whose bounds hold.
        weights: origin of the weights; a relative bound may depend on it.

    Raises:
        ParityFailed: a wrong shape, NaN or infinity, or an error beyond its bound.
    """
    for point, answer, reference in zip(at, answers, references, strict=True):
        if answer.shape != reference.shape:
            raise ParityFailed(
                f"at batch x length {point[0]}x{point[1]} it gives {answer.shape}, not {reference.shape}"
            )
    if held_out.shape != held_out_reference.shape:
        raise ParityFailed(f"on held-out inputs it gives {held_out.shape}, PyTorch {held_out_reference.shape}")
    got, wanted = [*answers, held_out], [*references, held_out_reference]
    if not all(np.isfinite(array).all() for array in got):
        raise ParityFailed("its outputs hold NaN or infinity")
    if not all(np.isfinite(array).all() for array in wanted):
        raise ParityFailed("PyTorch's own outputs hold NaN or infinity; check the weights and the inputs")
    largest = max(float(np.abs(array).max()) for array in wanted)
    error = max(float(np.abs(_exact(a) - _exact(b)).max()) for a, b in zip(got, wanted, strict=True))
    parity = Parity(
        reference="pytorch",
        tolerance=precision.tolerance * max(1.0, largest),
        max_abs_error=error,
        relative_error=relative_error(held_out, held_out_reference),
        points=at,
    )
    if parity.max_abs_error > parity.tolerance:
        raise ParityFailed(f"max abs error {parity.max_abs_error:.3g} against PyTorch, allowed {parity.tolerance:.3g}")
    limit = precision.relative_limit.get(weights)
    if limit is not None and parity.relative_error > limit:
        raise ParityFailed(
            f"relative error {parity.relative_error:.2%} against PyTorch, allowed {limit:.2%} with {weights} weights"
        )
    return parity


def relative_error(answer: Floats, reference: Floats) -> float:
    """Frobenius norm of the difference over that of the reference; 0 where both are all zeros."""
    difference = float(np.linalg.norm(_exact(answer) - _exact(reference)))
    norm = float(np.linalg.norm(_exact(reference)))
    if norm == 0.0:
        if difference == 0.0:
            return 0.0
        raise ParityFailed("PyTorch answers with zeros only, the artifact does not")
    return difference / norm


def _exact(array: Floats) -> NDArray[np.float64]:
    return array.astype(np.float64)
