"""The LSTM (Hochreiter and Schmidhuber 1997) as PyTorch ships it, read out at the last step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit_export.families.contract import DROPOUT, ModelSpec, NoStream, Number, Setting, StepForm

if TYPE_CHECKING:
    import torch

    from edgekit_export.families.modules.lstm import LstmClassifier

_SIZES: Mapping[str, Mapping[str, Number]] = {
    "seed": {"hidden": 64, "layers": 1, "dropout": 0.0},
    "iot": {"hidden": 88, "layers": 2, "dropout": 0.2},
    "mid": {"hidden": 256, "layers": 2, "dropout": 0.2},
    "10m": {"hidden": 896, "layers": 2, "dropout": 0.2},
}


@dataclass(frozen=True)
class Lstm:
    """Stock ``nn.LSTM`` layers and a linear head."""

    name: str = "lstm"
    baseline: bool = False
    fixed_length: bool = False
    settings: tuple[Setting, ...] = (Setting("hidden", 1, 8192), Setting("layers", 1, 64), DROPOUT)

    @property
    def sizes(self) -> Mapping[str, Mapping[str, Number]]:
        """Hidden units and layers by preset."""
        return _SIZES

    @property
    def recipe(self) -> Mapping[str, Number]:
        """A larger step than the default."""
        return {"learning_rate": 5e-3}

    def build(self, spec: ModelSpec) -> LstmClassifier:
        """Build it with weights from torch's global generator."""
        from edgekit_export.families.modules.lstm import LstmClassifier

        return LstmClassifier(spec)

    def stream(self, module: torch.nn.Module) -> StepForm | NoStream:
        """One step with h and c of every layer as states; a bidirectional module has none."""
        from edgekit_export.families.modules.lstm_step import lstm_step

        return lstm_step(module)
