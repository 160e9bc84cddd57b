"""One mode of one module, as everything that writes an artifact needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgekit_export.quantize.contract import Precision
from edgekit_targets.types.manifest import Accuracy, Parity, State

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What running an artifact told. Without data the accuracies are None, and so is ``right``.

    ``right`` tells which validation samples it answers right ``[samples]``.
    """

    parity: Parity
    accuracy: Accuracy | None = None
    accuracy_validation: Accuracy | None = None
    right: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Form:
    """A traced graph and what its artifacts, of whatever precision, are held against.

    ``dynamic`` names the axes that vary, by input and output. ``judge`` runs a written artifact and raises where its
    answers are not the reference's. ``golden`` holds inputs and outputs by name, ``length`` their steps. ``facts`` are
    for the file's metadata. ``right`` tells which validation samples the reference answers right, ``[samples]``; None
    without data. ``whole`` says that the golden inputs are one feed, because samples do not lie on the first axis of
    every input and output.
    """

    traced: ModelProto
    dynamic: Mapping[str, Mapping[int, str]]
    judge: Callable[[Path, Precision], Judged]
    golden: tuple[Mapping[str, NDArray[np.generic]], Mapping[str, NDArray[np.generic]]]
    length: int
    states: tuple[State, ...] = ()
    facts: Mapping[str, str]
    right: NDArray[np.bool_] | None = None
    whole: bool = False
