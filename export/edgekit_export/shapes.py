"""The concrete shapes a model from elsewhere is run at: from the file, from ``--shape``, else a stated default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Tensor

Shape = tuple[int, ...]
DEFAULT_BATCH: Final = 1
DEFAULT_STEPS: Final = 16
_BATCH_NAMES = {"batch", "batch_size", "batchsize", "bs", "b", "n", "batch_dim"}


def resolve(file: Path, inputs: Sequence[Tensor], given: Mapping[str, Shape]) -> tuple[dict[str, Shape], str | None]:
    """A size for every dimension of every input.

    What ``given`` says of an input also fixes the other inputs' dimensions of the same name. Of what is still free the
    batch (the first axis, or a dimension called so) becomes 1 and everything else 16.

    Returns:
        The shapes by input, and one sentence naming the defaults that were used (None where none was).

    Raises:
        InputError: ``--shape`` has a wrong number of dimensions, a size below 1, or contradicts the file or itself.
    """
    sizes: dict[str, int] = {}
    for tensor in inputs:
        if tensor.name in given:
            _bind(file, tensor, given[tensor.name], sizes)
    shapes: dict[str, Shape] = {}
    defaults: dict[str, int] = {}
    for tensor in inputs:
        shape = []
        batch_axis = next((axis for axis, dimension in enumerate(tensor.shape) if _is_batch(dimension)), 0)
        for axis, dimension in enumerate(tensor.shape):
            if isinstance(dimension, int):
                shape.append(dimension)
                continue
            if dimension not in sizes:
                sizes[dimension] = defaults[dimension] = DEFAULT_BATCH if axis == batch_axis else DEFAULT_STEPS
            shape.append(sizes[dimension])
        shapes[tensor.name] = tuple(shape)
    return shapes, _say(as_options(shapes), defaults) if defaults else None


def check_names(
    inputs: Sequence[tuple[Path, Sequence[Tensor]]], given: Mapping[str, Shape], others: Sequence[str] = ()
) -> None:
    """Refuse a ``--shape`` for an input that none of the files has; ``others`` are inputs of other models.

    Raises:
        InputError: naming the inputs there are.
    """
    known = dict.fromkeys([*others, *(tensor.name for _, tensors in inputs for tensor in tensors)])
    for name, shape in given.items():
        if name not in known:
            there = f"inputs are {', '.join(known)}" if known else "it is for models of your own"
            raise InputError(f"--shape {name}={as_text(shape)}: no file has an input {name}; {there}")


def as_text(shape: Sequence[int | str]) -> str:
    """A shape as ``--shape`` takes it: ``1x100x6``."""
    return "x".join(map(str, shape))


def as_options(shapes: Mapping[str, Shape]) -> str:
    """All shapes as options: ``--shape x=1x100x6``."""
    return " ".join(f"--shape {name}={as_text(shape)}" for name, shape in shapes.items() if shape)


def _bind(file: Path, tensor: Tensor, shape: Shape, sizes: dict[str, int]) -> None:
    option = f"--shape {tensor.name}={as_text(shape)}"
    declared = as_text(tensor.shape) or "a single number"
    if len(shape) != len(tensor.shape):
        raise InputError(
            f"{option} has {len(shape)} dimensions, {file.name} declares {declared}; give {len(tensor.shape)}"
        )
    for dimension, size in zip(tensor.shape, shape, strict=True):
        if size < 1:
            raise InputError(f"{option}: every size must be at least 1")
        if isinstance(dimension, int) and dimension != size:
            raise InputError(f"{option}: {file.name} fixes {declared}; give its fixed sizes as they are")
        if isinstance(dimension, str) and sizes.setdefault(dimension, size) != size:
            raise InputError(f"{option}: {file.name} has {dimension}={sizes[dimension]} elsewhere; give equal sizes")


def _is_batch(dimension: int | str) -> bool:
    return isinstance(dimension, str) and dimension.lower() in _BATCH_NAMES


def _say(options: str, defaults: Mapping[str, int]) -> str:
    chosen = ", ".join(f"{name}={size}" for name, size in defaults.items())
    return f"free dimensions of the file have default sizes ({chosen}); change them with {options}"
