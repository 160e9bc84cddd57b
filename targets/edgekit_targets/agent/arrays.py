"""The ``.npz`` files that travel with requests: named arrays, never objects."""

from __future__ import annotations

import io
import math
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgekit_targets.errors import InputError
from edgekit_targets.runtimes.contract import Array
from edgekit_targets.types.manifest import Tensor

INPUT, OUTPUT = "input.", "output."
_MAX_BYTES = 1 << 30


def load(path: Path, prefix: str) -> dict[str, Array]:
    """The arrays of an ``.npz`` whose names start with ``prefix``, without it.

    Raises:
        InputError: no such file, not an ``.npz``, larger than 1 GiB when unpacked, or it holds objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MAX_BYTES:
                raise InputError(f"{path} unpacks to more than {_MAX_BYTES >> 30} GiB; it is none of edgekit's")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name.removeprefix(prefix): stored[name] for name in stored.files if name.startswith(prefix)}
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (zipfile.BadZipFile, ValueError, EOFError, SyntaxError, NotImplementedError) as error:
        raise InputError(f"{path} is no .npz of plain arrays, or only a part of one; write it again") from error
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise InputError(f"{path}: {prefix}{name} holds {array.dtype}, not numbers")
    return arrays


def save(path: Path, prefix: str, arrays: Mapping[str, Array]) -> None:
    """Write named arrays as an ``.npz``, in one step.

    Raises:
        InputError: the folder cannot be written.
    """
    from edgekit_targets.files import write_atomic  # brings hashlib: not before memory was measured

    buffer = io.BytesIO()
    named: dict[str, Any] = {f"{prefix}{name}": array for name, array in arrays.items()}
    np.savez(buffer, **named)
    write_atomic(path, buffer.getvalue())


def timing_feeds(
    shapes: Mapping[str, tuple[int, ...]], golden: Mapping[str, Array], inputs: tuple[Tensor, ...]
) -> dict[str, Array]:
    """The arrays to time with: the first golden samples where their shapes agree, else seeded noise in [-1, 1).

    Whole-number and logical inputs without data are zero, which is a valid index everywhere. Noise comes from the
    standard library, since numpy's generators would add megabytes to the process that is measured.

    Raises:
        InputError: as :func:`fit`.
    """
    source = random.Random(0)  # noqa: S311 - test data
    dtypes = {tensor.name: tensor.dtype for tensor in inputs}
    feeds: dict[str, Array] = {}
    for name, shape in shapes.items():
        known = golden.get(name)
        dtype = dtypes.get(name, "float32")
        if known is not None and shape and known.shape[1:] == shape[1:] and known.shape[0] >= shape[0]:
            feeds[name] = np.array(known[: shape[0]])
        elif dtype.startswith("float"):
            noise = np.frombuffer(source.randbytes(4 * math.prod(shape)), dtype="<i4").reshape(shape)
            feeds[name] = (noise.astype(np.float32) / np.float32(1 << 31)).astype(dtype)
        else:
            feeds[name] = np.zeros(shape, dtype)
    return fit(feeds, inputs)


def fit(feeds: Mapping[str, Array], inputs: tuple[Tensor, ...]) -> dict[str, Array]:
    """Hold the arrays against what the model declares; numbers of the same kind are converted.

    Raises:
        InputError: an input is missing or unknown, has another number of dimensions, a wrong fixed size, or holds
            another kind of numbers.
    """
    declared = {tensor.name: tensor for tensor in inputs}
    for name in feeds:
        if name not in declared:
            raise InputError(f"the model has no input {name}; its inputs are: {', '.join(declared) or 'none'}")
    fitted = {}
    for name, tensor in declared.items():
        if name not in feeds:
            raise InputError(f"input {name} of the model has no shape; give it with --shape {name}=...")
        value = feeds[name]
        if not _agrees(value.shape, tensor.shape):
            raise InputError(f"input {name} takes {_shape(tensor.shape)}, not {_shape(value.shape)}")
        if not np.can_cast(value.dtype, tensor.dtype, "same_kind"):
            raise InputError(f"input {name} takes {tensor.dtype}, not {value.dtype}")
        fitted[name] = value.astype(tensor.dtype, copy=False)
    return fitted


def _agrees(shape: tuple[int, ...], declared: tuple[int | str, ...]) -> bool:
    return len(shape) == len(declared) and all(
        isinstance(want, str) or want == have for have, want in zip(shape, declared, strict=True)
    )


def _shape(shape: tuple[int | str, ...]) -> str:
    return "x".join(map(str, shape)) or "a single number"
