"""The convolutional classifier as a torch module."""

from __future__ import annotations

from itertools import pairwise

import torch

from edgekit_export.families.contract import ModelSpec
from edgekit_export.families.modules.entry import entry


class ConvClassifier(torch.nn.Module):
    """Raw float32 [batch, length, features] -> 1-D convolutions -> mean over time -> logits [batch, classes].

    Zero padding keeps the length, so it works at any, 1 included.
    """

    def __init__(self, spec: ModelSpec) -> None:
        """Build it to ``spec`` (settings ``channels``, ``layers``, ``kernel``, ``dropout``)."""
        super().__init__()
        channels, kernel = int(spec.settings["channels"]), int(spec.settings["kernel"])
        widths = [spec.features] + [channels] * int(spec.settings["layers"])
        self.normalise = entry(spec)
        self.convolutions = torch.nn.ModuleList(
            torch.nn.Conv1d(before, after, kernel, padding=kernel // 2) for before, after in pairwise(widths)
        )
        self.dropout = torch.nn.Dropout(float(spec.settings["dropout"]))
        self.head = torch.nn.Linear(channels, spec.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes] of raw ``x`` [batch, length, features]."""
        hidden = self.normalise(x).transpose(1, 2)
        for convolution in self.convolutions:
            hidden = torch.relu(convolution(hidden))
        return self.head(self.dropout(hidden.mean(dim=2)))  # type: ignore[no-any-return]
