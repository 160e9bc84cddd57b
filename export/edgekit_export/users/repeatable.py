"""A model whose two answers to one input differ cannot be held against a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from edgekit_export.users.blame import blame, first_line, name_of
from edgekit_export.users.model import UserModel
from edgekit_targets.errors import InputError


def check_repeatable(model: UserModel) -> None:
    """Call the model twice on its example and compare.

    Raises:
        InputError: it does not run, or the answers differ; the message names the module where they first do.
    """
    first, second = _call(model), _call(model)
    if _same(first[0], second[0]):
        return
    for (module, given, gave), (_, given_again, gave_again) in zip(first[1], second[1], strict=False):
        # Modules are listed as they finish, so the first that differs is the innermost.
        if _same(given, given_again) and not _same(gave, gave_again):
            place = name_of(model.module, module)
            raise InputError(
                f"{model.source}: {place} answers differently when called twice in eval mode; a dropout that is left "
                "on (training=True) or random numbers: make it depend on self.training"
            )
    raise InputError(
        f"{model.source}: it answers differently when called twice in eval mode; take out what is random or carried "
        "from call to call"
    )


Seen = tuple[nn.Module, list[Tensor], list[Tensor]]


def _call(model: UserModel) -> tuple[Mapping[str, Tensor], list[Seen]]:
    seen: list[Seen] = []

    def look(module: nn.Module, positional: Any, named: Any, gave: Any) -> None:
        seen.append((module, _tensors((positional, named)), _tensors(gave)))

    hooks = [module.register_forward_hook(look, with_kwargs=True) for module in model.module.modules()]
    try:
        return {name: value.clone() for name, value in model.call(model.inputs).items()}, seen
    except InputError:
        raise
    except Exception as error:  # whatever a user's module raises
        raise InputError(
            f"{model.source}: it does not run on its example: {blame(model.module, error)} says: {first_line(error)}"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()


def _tensors(values: Any) -> list[Tensor]:
    return [leaf.detach().clone() for leaf in pytree.tree_leaves(values) if isinstance(leaf, Tensor)]


def _same(a: Any, b: Any) -> bool:
    left, right = _tensors(a), _tensors(b)
    return len(left) == len(right) and all(
        x.shape == y.shape and torch.allclose(x.double(), y.double(), rtol=1e-4, atol=1e-6, equal_nan=True)
        for x, y in zip(left, right, strict=True)
    )
