"""``nn.GRU`` as exactly one ONNX ``GRU`` node per layer, with its weights as initializers.

As :mod:`edgekit_export.graph.lstm` does for ``nn.LSTM``, for the same reasons. PyTorch applies the reset gate after
the recurrent product, which ONNX calls ``linear_before_reset``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgekit_export.graph.packed import PackedTwin
from edgekit_targets.errors import InputError

_FLOAT = 1  # onnx.TensorProto.FLOAT


class GRUTwin(nn.Module):
    """Stands in for one ``nn.GRU`` while a graph is traced: same arguments, same results, one node per layer."""

    def __init__(self, gru: nn.GRU, name: str) -> None:
        """Take over the weights of ``gru``; ``name`` is its place in the model, for the message."""
        super().__init__()
        if type(gru).forward is not nn.GRU.forward:
            raise InputError(f"{name}: {type(gru).__name__} replaces nn.GRU.forward; export needs the stock nn.GRU")
        if gru.weight_ih_l0.dtype is not torch.float32:
            raise InputError(f"{name}: nn.GRU has {gru.weight_ih_l0.dtype} weights; call .float() on the model")
        self.name = name
        self.input_size, self.hidden_size, self.num_layers = gru.input_size, gru.hidden_size, gru.num_layers
        self.batch_first, self.bidirectional, self.bias = gru.batch_first, gru.bidirectional, gru.bias
        self.dropout = gru.dropout
        self.directions = 2 if gru.bidirectional else 1
        suffixes = ("", "_reverse")[: self.directions]
        for layer in range(self.num_layers):
            places = [f"l{layer}{suffix}" for suffix in suffixes]
            self._keep(f"W{layer}", [_onnx_gates(getattr(gru, f"weight_ih_{place}")) for place in places])
            self._keep(f"R{layer}", [_onnx_gates(getattr(gru, f"weight_hh_{place}")) for place in places])
            if self.bias:
                both = [(getattr(gru, f"bias_ih_{place}"), getattr(gru, f"bias_hh_{place}")) for place in places]
                self._keep(f"B{layer}", [torch.cat([_onnx_gates(wb), _onnx_gates(rb)]) for wb, rb in both])

    def flatten_parameters(self) -> None:
        """Nothing to do; the stock module has this method and models call it."""

    def forward(self, input: Tensor | PackedTwin, hx: Tensor | None = None) -> tuple[Tensor | PackedTwin, Tensor]:
        """As ``nn.GRU.forward`` for a batch of sequences, padded or packed.

        Raises:
            InputError: ``input`` is an unbatched sequence.
        """
        x, lengths, batch_first = input, None, self.batch_first
        if isinstance(x, PackedTwin):
            x, lengths, batch_first = x
        if x.dim() != 3:
            raise InputError(f"{self.name}: nn.GRU with unbatched input cannot be exported; pass a batch of sequences")
        if batch_first:
            x = x.transpose(0, 1)
        h_all = []
        for layer in range(self.num_layers):
            first = layer * self.directions
            x, h = self._layer(layer, x, None if hx is None else hx[first : first + self.directions], lengths)
            h_all.append(h)
        y = x.transpose(0, 1) if batch_first else x
        return y if lengths is None else PackedTwin(y, lengths, batch_first), torch.cat(h_all)

    def _layer(self, layer: int, x: Tensor, h: Tensor | None, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        length, batch = x.shape[0], x.shape[1]
        inputs: list[Tensor | None] = [x, getattr(self, f"W{layer}"), getattr(self, f"R{layer}")]
        inputs += [getattr(self, f"B{layer}") if self.bias else None]
        inputs += [None if lengths is None else lengths.to(torch.int32), h]
        while inputs[-1] is None:
            inputs.pop()
        direction = "bidirectional" if self.bidirectional else "forward"
        y, h = torch.onnx.ops.symbolic_multi_out(
            "GRU",
            inputs,
            {"hidden_size": self.hidden_size, "direction": direction, "linear_before_reset": 1},
            dtypes=(_FLOAT, _FLOAT),
            shapes=(
                (length, self.directions, batch, self.hidden_size),
                (self.directions, batch, self.hidden_size),
            ),
            version=18,
        )
        if self.directions == 1:
            return y.squeeze(1), h
        return y.transpose(1, 2).reshape(length, batch, self.directions * self.hidden_size), h

    def _keep(self, name: str, directions: list[Tensor]) -> None:
        self.register_buffer(name, torch.stack(directions).contiguous())


def _onnx_gates(weights: Tensor) -> Tensor:
    """Reorder the gates on the first axis: PyTorch keeps [r, z, n], ONNX wants [z, r, h], where h is that n."""
    r, z, n = weights.detach().chunk(3, dim=0)
    return torch.cat([z, r, n])
