"""Golden vectors: inputs with the reference's outputs, to be run again wherever the artifact goes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit_targets.agent.golden import WHOLE
from edgekit_targets.files import write_atomic

SAMPLES = 8


def write_golden(
    path: Path,
    inputs: Mapping[str, NDArray[np.generic]],
    outputs: Mapping[str, NDArray[np.generic]],
    *,
    whole: bool = False,
) -> None:
    """Write ``input.<name>`` and ``output.<name>`` as ``.npz``; equal arrays give equal bytes.

    With ``whole`` an array of that name says that the inputs are one feed, not samples along their first axes.

    Raises:
        InputError: the file cannot be written.
    """
    arrays = {f"input.{name}": inputs[name] for name in sorted(inputs)}
    arrays |= {f"output.{name}": outputs[name] for name in sorted(outputs)}
    if whole:
        arrays[WHOLE] = np.array(True)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_atomic(path, buffer.getvalue())
