"""The Transformer (Vaswani et al. 2017): causal with a window, or stock and bidirectional for the classic demo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit_export.families.contract import DROPOUT, ModelSpec, NoStream, Number, Setting, StepForm
from edgekit_targets.errors import InputError

if TYPE_CHECKING:
    import torch

_SIZES: Mapping[str, Mapping[str, Number]] = {
    "seed": {"dim": 128, "heads": 8, "ff": 2048, "layers": 1, "dropout": 0.1},
    "iot": {"dim": 64, "heads": 4, "ff": 128, "layers": 3, "window": 32, "dropout": 0.1},
    "mid": {"dim": 128, "heads": 4, "ff": 256, "layers": 4, "window": 100, "dropout": 0.1},
    "10m": {"dim": 320, "heads": 8, "ff": 1280, "layers": 8, "window": 64, "dropout": 0.1},
}


@dataclass(frozen=True)
class Transformer:
    """Causal over the last ``window`` steps. Without that setting (preset ``seed``): stock encoder layers."""

    name: str = "transformer"
    baseline: bool = False
    fixed_length: bool = False
    settings: tuple[Setting, ...] = (
        Setting("dim", 1, 8192),
        Setting("heads", 1, 256),
        Setting("ff", 1, 32_768),
        Setting("layers", 1, 64),
        Setting("window", 1, 65_536),
        DROPOUT,
    )

    @property
    def sizes(self) -> Mapping[str, Mapping[str, Number]]:
        """Width, heads, feed-forward width, layers and window by preset."""
        return _SIZES

    @property
    def recipe(self) -> Mapping[str, Number]:
        """As the default recipe."""
        return {}

    def build(self, spec: ModelSpec) -> torch.nn.Module:
        """Build it with weights from torch's global generator.

        Raises:
            InputError: ``dim`` is no multiple of ``heads``.
        """
        from edgekit_export.families.modules.encoder import StockEncoder
        from edgekit_export.families.modules.transformer import CausalTransformer

        dim, heads = spec.settings["dim"], spec.settings["heads"]
        if dim % heads:
            raise InputError(
                f"--set transformer.heads={heads}: transformer.dim={dim} is no multiple of it; change either"
            )
        return CausalTransformer(spec) if "window" in spec.settings else StockEncoder(spec)

    def stream(self, module: torch.nn.Module) -> StepForm | NoStream:
        """One step with a ring of keys and values for every layer; the stock, bidirectional module has none."""
        from edgekit_export.families.modules.transformer import CausalTransformer
        from edgekit_export.families.modules.transformer_step import transformer_step

        if isinstance(module, CausalTransformer):
            return transformer_step(module)
        return NoStream(reason="it attends to later steps too (it is bidirectional), so it has no stream form")
