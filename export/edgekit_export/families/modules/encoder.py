"""Stock PyTorch encoder layers as a torch module: the Transformer of the classic demo."""

from __future__ import annotations

import torch

from edgekit_export.families.contract import ModelSpec
from edgekit_export.families.modules.entry import entry


class StockEncoder(torch.nn.Module):
    """Raw float32 [batch, length, features] -> ``nn.TransformerEncoderLayer`` -> last step -> logits [batch, classes].

    Bidirectional and without positions, so it has no stream mode. Features enter as they are where their number is
    ``dim``, else through a linear layer.
    """

    def __init__(self, spec: ModelSpec) -> None:
        """Build it to ``spec`` (settings ``dim``, ``heads``, ``ff``, ``layers``, ``dropout``)."""
        super().__init__()
        dim = int(spec.settings["dim"])
        self.normalise = entry(spec)
        self.embed = torch.nn.Identity() if spec.features == dim else torch.nn.Linear(spec.features, dim)
        self.layers = torch.nn.ModuleList(
            torch.nn.TransformerEncoderLayer(
                dim,
                int(spec.settings["heads"]),
                int(spec.settings["ff"]),
                float(spec.settings["dropout"]),
                batch_first=True,
            )
            for _ in range(int(spec.settings["layers"]))
        )
        self.head = torch.nn.Linear(dim, spec.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes] of raw ``x`` [batch, length, features]."""
        hidden = self.embed(self.normalise(x))
        for layer in self.layers:
            hidden = layer(hidden)
        return self.head(hidden[:, -1])  # type: ignore[no-any-return]
