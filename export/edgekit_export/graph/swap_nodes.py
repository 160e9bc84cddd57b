"""Recurrent operators inside a module that was exported already (``.pt2``), replaced by the twins of their modules."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn

from edgekit_export.graph.gru import GRUTwin
from edgekit_export.graph.lstm import LSTMTwin
from edgekit_targets.errors import InputError


class _Operator(nn.Module):
    """A twin with the results of the operator: one flat tuple."""

    def __init__(self, twin: LSTMTwin | GRUTwin) -> None:
        super().__init__()
        self.twin = twin

    def forward(self, x: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        if isinstance(self.twin, LSTMTwin):
            y, (h, c) = self.twin(x, states or None)
            return y, h, c
        return self.twin(x, *states)  # type: ignore[no-any-return]


def swap_operators(module: fx.GraphModule) -> None:
    """Replace every ``aten.lstm`` and ``aten.gru`` of ``module``, which is changed.

    Raises:
        InputError: one with a projection, or whose weights are no parameters of the module.
    """
    kinds: dict[Any, type[nn.LSTM] | type[nn.GRU]] = {
        torch.ops.aten.lstm.input: nn.LSTM,
        torch.ops.aten.gru.input: nn.GRU,
    }
    for number, node in enumerate([found for found in module.graph.nodes if found.target in kinds]):
        name = f"recurrent_{number}"
        stock = _stock(module, node, kinds[node.target])
        twin = LSTMTwin(stock, node.name) if isinstance(stock, nn.LSTM) else GRUTwin(stock, node.name)
        module.add_submodule(name, _Operator(twin))
        states = node.args[1] if isinstance(node.args[1], list | tuple) else [node.args[1]]
        # A node without initial states starts from zeros of whatever batch arrives, which is what these are.
        given = [] if all(_zeros(state) for state in states) else states
        with module.graph.inserting_before(node):
            made = module.graph.call_module(name, (node.args[0], *given))
        node.replace_all_uses_with(made)
        module.graph.erase_node(node)
    module.graph.eliminate_dead_code()
    module.recompile()


def _stock(module: fx.GraphModule, node: fx.Node, kind: type[nn.LSTM] | type[nn.GRU]) -> nn.LSTM | nn.GRU:
    _, _, weights, bias, layers, _, _, bidirectional, batch_first = node.args
    if not all(isinstance(one, fx.Node) and one.op == "get_attr" for one in weights):  # type: ignore[union-attr]
        raise InputError(
            f"{node.name}: its weights are no parameters of the archive; export the module as it is trained"
        )
    values = [_attribute(module, str(one.target)) for one in weights]  # type: ignore[union-attr]
    gates = 4 if kind is nn.LSTM else 3
    stock = kind(
        values[0].shape[1],
        values[0].shape[0] // gates,
        int(layers),  # type: ignore[arg-type]
        bias=bool(bias),
        batch_first=bool(batch_first),
        bidirectional=bool(bidirectional),
    )
    if len(values) != len(stock._flat_weights_names) or values[1].shape != stock.weight_hh_l0.shape:
        raise InputError(
            f"{node.name}: nn.LSTM with proj_size has no ONNX operator; remove proj_size or project after it"
        )
    with torch.no_grad():
        for name, value in zip(stock._flat_weights_names, values, strict=True):
            getattr(stock, name).copy_(value)
    return stock


def _attribute(module: nn.Module, path: str) -> Tensor:
    parent, _, name = path.rpartition(".")
    value: Tensor = getattr(module.get_submodule(parent), name)
    return value


def _zeros(state: Any) -> bool:
    return isinstance(state, fx.Node) and state.target is torch.ops.aten.zeros.default
