"""The linear classifier as a torch module."""

from __future__ import annotations

import torch

from edgekit_export.families.contract import ModelSpec
from edgekit_export.families.modules.entry import entry


class LinearClassifier(torch.nn.Module):
    """Raw float32 [batch, spec.length, features] -> flattened -> logits [batch, classes]. Works at that length only."""

    def __init__(self, spec: ModelSpec) -> None:
        """Build it to ``spec`` (no settings)."""
        super().__init__()
        self.normalise = entry(spec)
        self.head = torch.nn.Linear(spec.length * spec.features, spec.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes] of raw ``x`` [batch, spec.length, features]."""
        return self.head(self.normalise(x).flatten(1))  # type: ignore[no-any-return]
