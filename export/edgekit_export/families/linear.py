"""The linear baseline: multinomial logistic regression on the flattened window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit_export.families.contract import ModelSpec, NoStream, Number, Setting

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Linear:
    """What a sequence model has to beat; nothing to size, since window and classes decide."""

    name: str = "linear"
    baseline: bool = True
    fixed_length: bool = True
    settings: tuple[Setting, ...] = ()

    @property
    def sizes(self) -> Mapping[str, Mapping[str, Number]]:
        """No settings in any preset."""
        return {"seed": {}, "iot": {}, "mid": {}, "10m": {}}

    @property
    def recipe(self) -> Mapping[str, Number]:
        """As the default recipe."""
        return {}

    def build(self, spec: ModelSpec) -> torch.nn.Module:
        """Build it with weights from torch's global generator."""
        from edgekit_export.families.modules.linear import LinearClassifier

        return LinearClassifier(spec)

    def stream(self, module: torch.nn.Module) -> NoStream:
        """None: the baseline is a whole-window model."""
        return NoStream(reason="it weighs the whole sequence at once, so it has no stream form")
