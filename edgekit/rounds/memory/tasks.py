"""Made tasks whose answer lies a known number of steps back.

Samples follow from the arguments alone: training, validation and test parts come from generators of their own, so that
more training samples change no test sample, and a test sample is none of the training's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgekit_targets.errors import InputError

SYMBOLS = 4
LEAD = 8
"""Steps before the marked one, so that it is not always the first."""
Arrays = dict[str, NDArray[np.generic]]
_PARTS = ("train", "valid", "test")


def recall(distance: int, samples: int, held_out: int, length: int | None = None) -> Arrays:
    """Name the symbol that was marked ``distance`` steps before the last one.

    A step is one of four symbols, one-hot, and a mark, 1 at the step to remember and 0 elsewhere. All others are
    drawn at random, so nothing but that step tells the answer: chance is 25 %.

    Args:
        distance: 1 or more.
        samples: of the training part.
        held_out: samples to validate on, and as many to test.
        length: steps of a sequence; by default ``distance`` and a short lead.

    Raises:
        InputError: the sequence is too short to hold the marked step.
    """
    steps = steps_of(distance, length)

    def draw(count: int, generator: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        symbols = generator.integers(SYMBOLS, size=(count, steps))
        x = np.zeros((count, steps, SYMBOLS + 1), dtype=np.float32)
        np.put_along_axis(x, symbols[:, :, None], 1.0, axis=2)
        asked = steps - 1 - distance
        x[:, asked, SYMBOLS] = 1.0
        return x, symbols[:, asked].astype(np.int64)

    return _parts(draw, samples, held_out, seed=distance)


def steps_of(distance: int, length: int | None) -> int:
    """Steps of a recall sequence.

    Raises:
        InputError: ``length`` is too short to hold what lies ``distance`` steps back.
    """
    steps = distance + 1 + LEAD if length is None else length
    if steps <= distance:
        raise InputError(
            f"--length {steps}: a sequence of {steps} steps holds nothing that lies {distance} steps back; "
            f"make it {distance + 1} or longer, or ask for shorter --distances"
        )
    return steps


def adding(length: int, samples: int, held_out: int) -> Arrays:
    """The adding problem (Hochreiter and Schmidhuber, Neural Computation 9, 1997), asked as a question of two classes.

    A step is a number from 0 to 1 and a mark; one step in each half is marked. edgekit trains classifiers, so what is
    asked is not the sum of the marked numbers but whether it is above 1: chance is 50 %, and knowing one of the two
    alone gives 75 %.

    Raises:
        InputError: a sequence without two halves.
    """
    if length < 2:
        raise InputError(f"the adding problem needs 2 steps or more, not {length}")

    def draw(count: int, generator: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        numbers = generator.random((count, length))
        first = generator.integers(length // 2, size=count)
        second = generator.integers(length // 2, length, size=count)
        rows = np.arange(count)
        x = np.zeros((count, length, 2), dtype=np.float32)
        x[:, :, 0] = numbers
        x[rows, first, 1] = x[rows, second, 1] = 1.0
        return x, (x[rows, first, 0] + x[rows, second, 0] > 1.0).astype(np.int64)

    return _parts(draw, samples, held_out, seed=length)


def _parts(
    draw: Callable[[int, np.random.Generator], tuple[NDArray[np.float32], NDArray[np.int64]]],
    samples: int,
    held_out: int,
    seed: int,
) -> Arrays:
    arrays: Arrays = {}
    for index, (part, count) in enumerate(zip(_PARTS, (samples, held_out, held_out), strict=True)):
        arrays[f"x_{part}"], arrays[f"y_{part}"] = draw(count, np.random.default_rng([seed, index]))
    return arrays
