"""The convolutional baseline: a small fully convolutional network (Wang, Yan and Oates 2017, arXiv 1611.06455)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit_export.families.contract import DROPOUT, ModelSpec, NoStream, Number, Setting
from edgekit_targets.errors import InputError

if TYPE_CHECKING:
    import torch

_SIZES: Mapping[str, Mapping[str, Number]] = {
    "seed": {"channels": 64, "layers": 2, "kernel": 5, "dropout": 0.1},
    "iot": {"channels": 64, "layers": 2, "kernel": 5, "dropout": 0.1},
    "mid": {"channels": 128, "layers": 3, "kernel": 5, "dropout": 0.1},
    "10m": {"channels": 128, "layers": 3, "kernel": 5, "dropout": 0.1},
}


@dataclass(frozen=True)
class Conv:
    """Convolutions, then the mean over time. Small on purpose, whatever the pair's size."""

    name: str = "conv"
    baseline: bool = True
    fixed_length: bool = False
    settings: tuple[Setting, ...] = (
        Setting("channels", 1, 8192),
        Setting("layers", 1, 64),
        Setting("kernel", 1, 1023),
        DROPOUT,
    )

    @property
    def sizes(self) -> Mapping[str, Mapping[str, Number]]:
        """Channels, layers and kernel width by preset."""
        return _SIZES

    @property
    def recipe(self) -> Mapping[str, Number]:
        """As the default recipe."""
        return {}

    def build(self, spec: ModelSpec) -> torch.nn.Module:
        """Build it with weights from torch's global generator.

        Raises:
            InputError: ``kernel`` is even, which has no centre.
        """
        from edgekit_export.families.modules.conv import ConvClassifier

        kernel = spec.settings["kernel"]
        if kernel % 2 == 0:
            raise InputError(f"--set conv.kernel={kernel} is even; a kernel needs a centre, so make it odd")
        return ConvClassifier(spec)

    def stream(self, module: torch.nn.Module) -> NoStream:
        """None: the baseline is a whole-window model."""
        return NoStream(reason="it averages over the whole sequence, so it has no stream form")
