"""Inputs of other sizes than the example's, of the same kind: noise, tokens, masks, lengths."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

BATCH, LENGTH = "batch", "length"
Roles = Mapping[str, Mapping[int, str]]
"""By input, which of its axes count samples and which count steps; the others keep their sizes."""


def draw(inputs: Mapping[str, Tensor], roles: Roles, batch: int, length: int | None, seed: int) -> dict[str, Tensor]:
    """Seeded inputs for ``batch`` samples of ``length`` steps (None: no axis counts steps).

    Floats are noise with the mean and deviation of the example (of deviation 1 where that is constant). Whole numbers
    lie in the example's range, and no length exceeds ``length``; at least one sequence is as long. Masks and other
    truth values are the example's, repeated; a mask that hides nothing there hides the ends of some sequences.
    """
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, value in inputs.items():
        own = roles.get(name, {})
        resized = value
        for axis, role in own.items():
            size = batch if role == BATCH else length
            assert size is not None
            resized = resized.index_select(axis, torch.arange(size) % resized.shape[axis])
        found[name] = _filled(name, value, resized, own, length, generator)
    return found


def is_mask(name: str, value: Tensor) -> bool:
    """Whether the values say which others count: truth values, zeros and ones under such a name, minus infinity."""
    if value.dtype is torch.bool or ("mask" in name.lower() and bool(((value == 0) | (value == 1)).all())):
        return True
    return value.is_floating_point() and bool((torch.isinf(value) | (value == 0)).all()) and bool(value.isinf().any())


def is_lengths(name: str, value: Tensor, roles: Mapping[int, str]) -> bool:
    """Whether the values are the lengths of the sequences of a batch."""
    if value.is_floating_point() or value.dtype is torch.bool or dict(roles) != {0: BATCH} or value.dim() != 1:
        return False
    return "len" in name.lower() or int(value.min()) >= 1


def _filled(
    name: str, value: Tensor, resized: Tensor, roles: Mapping[int, str], length: int | None, generator: torch.Generator
) -> Tensor:
    if is_mask(name, value):
        return _ends_hidden(resized, roles, generator) if bool((value == value.flatten()[0]).all()) else resized
    if value.is_floating_point():
        deviation = float(value.std()) if value.numel() > 1 else 0.0
        mean = float(value.mean()) if deviation > 0 else 0.0
        return mean + (deviation or 1.0) * torch.randn(resized.shape, generator=generator)
    if length is not None and is_lengths(name, value, roles):
        drawn = torch.randint(1, length + 1, resized.shape, generator=generator)
        drawn[-1] = length
        return drawn.to(value.dtype)
    low, high = int(value.min()), int(value.max())
    # Zero and one are indices of anything that has two entries; an example of zeros tells nothing.
    high = max(high, 1) if low == 0 else high
    return torch.randint(low, high + 1, resized.shape, generator=generator).to(value.dtype)


def _ends_hidden(mask: Tensor, roles: Mapping[int, str], generator: torch.Generator) -> Tensor:
    """A mask of one value all over, turned from a drawn step on; the first step of each sequence always counts."""
    if dict(roles) != {0: BATCH, 1: LENGTH} or mask.dim() != 2 or mask.shape[1] < 2:
        return mask
    if mask.is_floating_point() and bool(mask.isinf().any()):
        return mask
    ends = torch.randint(1, mask.shape[1] + 1, (mask.shape[0], 1), generator=generator)
    ends[-1] = mask.shape[1]
    beyond = torch.arange(mask.shape[1])[None, :] >= ends
    return torch.where(beyond, 1 - mask.to(torch.int64), mask.to(torch.int64)).to(mask.dtype)
