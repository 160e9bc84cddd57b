"""Parity of models that are not edgekit's: several outputs, of unknown depth, some of them whole numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgekit_export.quantize.contract import Precision
from edgekit_export.verify import parity
from edgekit_targets.types.manifest import Parity, Weights

Arrays = Mapping[str, NDArray[np.generic]]
# Nothing is known of the model: the more layers add up, the further two orders of addition come apart.
_LEAST_TOLERANCE: Final = 1e-4


@dataclasses.dataclass(frozen=True)
class _Bounds:
    """The bounds of a precision, as far as :func:`parity.compare` looks at them."""

    tolerance: float
    relative_limit: Mapping[Weights, float]


def compare_outputs(
    *,
    answers: Sequence[Arrays],
    references: Sequence[Arrays],
    at: tuple[tuple[int, int], ...],
    precision: Precision,
    weights: Weights,
) -> tuple[Parity, tuple[str, ...]]:
    """Hold every output against the reference's, at all points; the last point is the one that errors are told on.

    Whole numbers and truth values must be equal in fp32, and are not compared in other precisions (a note says so):
    the largest of several near-equal scores may change hands.

    Returns:
        The worst of each figure over the outputs, and the notes.

    Raises:
        ParityFailed: naming the output.
    """
    bounds = _Bounds(max(precision.tolerance, _LEAST_TOLERANCE), precision.relative_limit)
    found: list[Parity] = []
    notes: list[str] = []
    for name, last in references[-1].items():
        if last.dtype.kind != "f" and precision.name != "fp32":
            notes.append(f"output {name} holds no fractions; it was compared in the fp32 file only")
            continue
        got, wanted = ([arrays[name].astype(np.float32) for arrays in side] for side in (answers, references))
        try:
            found.append(
                parity.compare(
                    answers=got,
                    references=wanted,
                    held_out=got[-1],
                    held_out_reference=wanted[-1],
                    at=at,
                    precision=bounds,
                    weights=weights,
                )
            )
        except parity.ParityFailed as error:
            raise parity.ParityFailed(f"output {name}: {error}") from error
    if not found:
        raise parity.ParityFailed("no output holds fractions, so its error cannot be told")
    worst = max(found, key=lambda one: one.relative_error)
    combined = dataclasses.replace(
        worst,
        max_abs_error=max(one.max_abs_error for one in found),
        tolerance=max(one.tolerance for one in found),
    )
    return combined, tuple(notes)
