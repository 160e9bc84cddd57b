"""How a step enters a model: features are standardised, token ids are embedded."""

from __future__ import annotations

import torch

from edgekit_export.families.contract import ModelSpec
from edgekit_export.families.modules.normalise import Normalise


def entry(spec: ModelSpec) -> Normalise | Embed:
    """The first submodule of every family, called ``normalise`` whatever it is, so that saved weights keep their names.

    Maps raw float32 [..., features], or token ids int64 [...], to float32 [..., ``spec.features``].
    """
    return Normalise(spec.features) if spec.vocab is None else Embed(spec.vocab, spec.features)


def blank(spec: ModelSpec, *sizes: int) -> torch.Tensor:
    """An input of zeros, ``sizes`` and then one step's shape: float32, or int64 for token ids."""
    return torch.zeros(*sizes, *spec.step, dtype=torch.float32 if spec.vocab is None else torch.int64)


class Embed(torch.nn.Embedding):
    """Token ids int64 [...] to vectors [..., width] of standard deviation 1, as standardised features have."""
