"""Recurrent modules of PyTorch, wherever they stand in a model, replaced by their twins for tracing."""

from __future__ import annotations

import copy

from torch import fx, nn

from edgekit_export.graph.gru import GRUTwin
from edgekit_export.graph.lstm import LSTMTwin
from edgekit_export.graph.swap_nodes import swap_operators


def swap_recurrent(module: nn.Module) -> nn.Module:
    """A copy of ``module`` in eval mode with every ``nn.LSTM`` and ``nn.GRU`` as its twin; ``module`` stays as it is.

    Raises:
        InputError: one that has no ONNX form (``proj_size``, another ``forward``, not float32).
    """
    clone = copy.deepcopy(module).eval()
    twins: dict[int, nn.Module] = {}

    def twin(name: str, child: nn.LSTM | nn.GRU) -> nn.Module:
        if id(child) not in twins:
            twins[id(child)] = LSTMTwin(child, name) if isinstance(child, nn.LSTM) else GRUTwin(child, name)
        return twins[id(child)]

    if isinstance(clone, fx.GraphModule):
        swap_operators(clone)
    if isinstance(clone, nn.LSTM | nn.GRU):
        return twin("the model", clone)
    for prefix, parent in list(clone.named_modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.LSTM | nn.GRU):
                setattr(parent, name, twin(f"{prefix}.{name}".lstrip("."), child))
    return clone
