"""From ``package.module:callable`` to a :class:`UserModel`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgekit_export.callables import find_callable
from edgekit_export.training.deterministic import deterministic
from edgekit_export.training.load import load_checkpoint
from edgekit_export.users import model as models
from edgekit_export.users.model import UserModel
from edgekit_export.users.pt2 import load_pt2
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Weights

Shapes = Mapping[str, tuple[int, ...]]
_RETURN = "return an nn.Module or (module, example_inputs)"


def load_user_model(source: str, family: str, *, shapes: Shapes, checkpoint: Path | None, seed: int) -> UserModel:
    """Call what ``source`` names, or open the ``.pt2`` it is, and take the module with its example.

    Args:
        source: ``package.module:callable`` or a ``.pt2`` file.
        family: the name of the artifacts.
        shapes: ``--shape`` values by input; they replace those of the example.
        checkpoint: weights to load into the module; it keeps its own without.
        seed: of weights that the callable draws.

    Raises:
        InputError: no such callable or file, a callable that gives something else, no example and no ``--shape``, or
            a checkpoint that does not fit.
    """
    if source.endswith(".pt2"):
        if checkpoint is not None:
            raise InputError(f"--checkpoint: {source} holds its weights; leave --checkpoint out")
        module, example = load_pt2(Path(source))
    else:
        module, example = _call(source, seed)
    weights: Weights = "imported"
    if checkpoint is not None:
        module, weights = _with_weights(source, module, checkpoint), "trained"
    return models.make(source, family, module, _example(source, module, example, shapes), weights)


def _call(source: str, seed: int) -> tuple[nn.Module, Any]:
    found = find_callable(source, "MODEL")
    if isinstance(found, nn.Module):
        return found, None
    with deterministic(seed):
        try:
            inspect.signature(found).bind()
        except TypeError as error:
            raise InputError(
                f"{source} cannot be called without arguments ({error}); name a function that can"
            ) from error
        except ValueError:  # no signature to look at
            pass
        given = found()
    if isinstance(given, nn.Module):
        return given, None
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], nn.Module):
        return given
    raise InputError(f"{source} gives {type(given).__name__}; {_RETURN}")


def _with_weights(source: str, module: nn.Module, checkpoint: Path) -> nn.Module:
    import copy

    clone = copy.deepcopy(module)
    load_checkpoint(checkpoint, clone, source, remedy="give the weights of that very module")
    return clone


def _example(source: str, module: nn.Module, example: Any, shapes: Shapes) -> Any:
    """The example with the sizes that ``--shape`` asks for; without an example float32 zeros of those sizes."""
    if example is None:
        required = [
            parameter.name
            for parameter in models.parameters_of(module)
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ]
        wanted = [name for name in required if name not in shapes]
        if wanted or not required:
            name = wanted[0] if wanted else "x"
            raise InputError(
                f"{source} gives no example: pass --shape {name}=1x100x6 with its own sizes (float32), or return "
                "(module, example_inputs)"
            )
        return {name: torch.zeros(shapes[name]) for name in required}
    if not shapes:
        return example
    named = models.make(source, "", module, example, "imported")
    values = [_resized(source, name, value, shapes.get(name)) for name, value in named.inputs.items()]
    return named.arguments(values)


def _resized(source: str, name: str, value: Tensor, shape: tuple[int, ...] | None) -> Tensor:
    if shape is None:
        return value
    if len(shape) != value.dim():
        raise InputError(f"--shape {name}: the example of {source} has {value.dim()} axes; give {value.dim()} sizes")
    for axis, size in enumerate(shape):
        value = value.index_select(axis, torch.arange(size) % value.shape[axis])
    return value
