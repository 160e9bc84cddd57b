"""Golden vectors: inputs with the reference's outputs, to be run again wherever the artifact goes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit_targets.files import write_atomic

SAMPLES = 8


def write_golden(
    path: Path, inputs: Mapping[str, NDArray[np.generic]], outputs: Mapping[str, NDArray[np.generic]]
) -> None:
    """Write ``input.<name>`` and ``output.<name>`` as ``.npz``; equal arrays give equal bytes.

    Raises:
        InputError: the file cannot be written.
    """
    arrays = {f"input.{name}": inputs[name] for name in sorted(inputs)}
    arrays |= {f"output.{name}": outputs[name] for name in sorted(outputs)}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_atomic(path, buffer.getvalue())
