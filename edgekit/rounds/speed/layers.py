"""The two layers of the classic demo as they stand in PyTorch, and their times there.

Run as a module it times both in turns and prints one JSON document; each run is one launch.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

SHAPE = (32, 10, 128)
"""32 steps of 10 sequences: neither layer takes the batch first unless told so."""
LSTM_LAYER, TRANSFORMER_LAYER = "lstm_layer", "transformer_layer"
_ROUNDS, _WARM_UP, _SLICE_SECONDS = 5, 5, 0.05


def lstm_layer() -> tuple[torch.nn.Module, tuple[torch.Tensor]]:
    """``nn.LSTM(128, 64)`` and an input for it."""
    import torch

    return torch.nn.LSTM(128, 64), (torch.randn(SHAPE),)


def transformer_layer() -> tuple[torch.nn.Module, tuple[torch.Tensor]]:
    """``nn.TransformerEncoderLayer(128, nhead=8)`` and an input for it."""
    import torch

    return torch.nn.TransformerEncoderLayer(128, nhead=8), (torch.randn(SHAPE),)


def time_layers() -> dict[str, dict[str, Any]]:
    """Output shape and seconds of single calls, slice by slice, of each layer on one thread; torch stays so."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    made = {LSTM_LAYER: lstm_layer(), TRANSFORMER_LAYER: transformer_layer()}
    found: dict[str, dict[str, Any]] = {}
    with torch.inference_mode():
        for name, (module, inputs) in made.items():
            output = module.eval()(*inputs)
            first = output[0] if isinstance(output, tuple) else output
            found[name] = {"shape": list(first.shape), "slices": []}
        for turn in range(_ROUNDS):
            names = list(made)
            for name in names if turn % 2 == 0 else reversed(names):
                module, inputs = made[name]
                for _ in range(_WARM_UP):
                    module(*inputs)
                taken: list[float] = []
                end = time.perf_counter_ns() + int(_SLICE_SECONDS * 1e9)
                while (start := time.perf_counter_ns()) < end:
                    module(*inputs)
                    taken.append((time.perf_counter_ns() - start) / 1e9)
                found[name]["slices"].append(taken)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(time_layers()))
