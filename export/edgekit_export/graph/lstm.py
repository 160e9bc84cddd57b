"""``nn.LSTM`` as exactly one ONNX ``LSTM`` node per layer, with its weights as initializers.

``torch.onnx.export`` of the stock module routes the weights through Slice and Concat chains (every quantizer then
passes the layer by, silently) and freezes the declared length. The twin here states the node itself, through
``torch.onnx.ops.symbolic_multi_out`` (https://docs.pytorch.org/docs/stable/onnx_ops.html). The twin computes nothing
in eager mode: parity is always checked against the original module.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgekit_export.graph.packed import PackedTwin
from edgekit_targets.errors import InputError

_FLOAT = 1  # onnx.TensorProto.FLOAT


class LSTMTwin(nn.Module):
    """Stands in for one ``nn.LSTM`` while a graph is traced: same arguments, same results, one node per layer."""

    def __init__(self, lstm: nn.LSTM, name: str) -> None:
        """Take over the weights of ``lstm``; ``name`` is its place in the model, for the message."""
        super().__init__()
        if lstm.proj_size:
            raise InputError(
                f"{name}: nn.LSTM with proj_size has no ONNX operator; remove proj_size or project after it"
            )
        if type(lstm).forward is not nn.LSTM.forward:
            raise InputError(f"{name}: {type(lstm).__name__} replaces nn.LSTM.forward; export needs the stock nn.LSTM")
        if lstm.weight_ih_l0.dtype is not torch.float32:
            raise InputError(f"{name}: nn.LSTM has {lstm.weight_ih_l0.dtype} weights; call .float() on the model")
        self.name = name
        # A model may read these from its LSTM, to build initial states for example.
        self.input_size, self.hidden_size, self.num_layers = lstm.input_size, lstm.hidden_size, lstm.num_layers
        self.batch_first, self.bidirectional, self.bias = lstm.batch_first, lstm.bidirectional, lstm.bias
        self.dropout, self.proj_size = lstm.dropout, 0
        self.directions = 2 if lstm.bidirectional else 1
        suffixes = ("", "_reverse")[: self.directions]
        for layer in range(self.num_layers):
            places = [f"l{layer}{suffix}" for suffix in suffixes]
            self._keep(f"W{layer}", [_onnx_gates(getattr(lstm, f"weight_ih_{place}")) for place in places])
            self._keep(f"R{layer}", [_onnx_gates(getattr(lstm, f"weight_hh_{place}")) for place in places])
            if self.bias:
                both = [(getattr(lstm, f"bias_ih_{place}"), getattr(lstm, f"bias_hh_{place}")) for place in places]
                self._keep(f"B{layer}", [torch.cat([_onnx_gates(wb), _onnx_gates(rb)]) for wb, rb in both])

    def flatten_parameters(self) -> None:
        """Nothing to do; the stock module has this method and models call it."""

    def forward(
        self, input: Tensor | PackedTwin, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor | PackedTwin, tuple[Tensor, Tensor]]:
        """As ``nn.LSTM.forward`` for a batch of sequences, padded or packed.

        Args:
            input: ``[batch, length, input]`` with ``batch_first``, else ``[length, batch, input]``.
            hx: initial ``(h, c)``, each ``[layers * directions, batch, hidden]``; the node has none where it is None,
                which ONNX defines as zeros of whatever batch arrives.

        Raises:
            InputError: ``input`` is an unbatched sequence.
        """
        x, lengths, batch_first = input, None, self.batch_first
        if isinstance(x, PackedTwin):
            x, lengths, batch_first = x
        if not isinstance(x, Tensor) or x.dim() != 3:
            raise InputError(
                f"{self.name}: nn.LSTM with packed or unbatched input cannot be exported; pass a padded batch"
            )
        if batch_first:
            x = x.transpose(0, 1)
        h_all, c_all = [], []
        for layer in range(self.num_layers):
            first = layer * self.directions
            states = None
            if hx is not None:
                h, c = (state[first : first + self.directions] for state in hx)
                states = (h, c)
            x, h, c = self.layer(layer, x, states, lengths)
            h_all.append(h)
            c_all.append(c)
        y = x.transpose(0, 1) if batch_first else x
        return y if lengths is None else PackedTwin(y, lengths, batch_first), (torch.cat(h_all), torch.cat(c_all))

    def layer(
        self, layer: int, x: Tensor, states: tuple[Tensor, Tensor] | None, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One layer over ``x`` ``[length, batch, inputs]`` from ``states`` (h and c): its output, last h and last c.

        With ``lengths`` ``[batch]`` the last are those of each sequence's own end, and the output beyond it is zero.
        """
        length, batch = x.shape[0], x.shape[1]
        inputs: list[Tensor | None] = [x, getattr(self, f"W{layer}"), getattr(self, f"R{layer}")]
        inputs += [getattr(self, f"B{layer}") if self.bias else None]
        inputs += [None if lengths is None else lengths.to(torch.int32)]
        inputs += states if states is not None else []
        while inputs[-1] is None:
            inputs.pop()
        state = (self.directions, batch, self.hidden_size)
        y, h, c = torch.onnx.ops.symbolic_multi_out(
            "LSTM",
            inputs,
            {"hidden_size": self.hidden_size, "direction": "bidirectional" if self.bidirectional else "forward"},
            dtypes=(_FLOAT, _FLOAT, _FLOAT),
            shapes=((length, self.directions, batch, self.hidden_size), state, state),
            version=18,
        )
        if self.directions == 1:
            return y.squeeze(1), h, c
        return y.transpose(1, 2).reshape(length, batch, self.directions * self.hidden_size), h, c

    def _keep(self, name: str, directions: list[Tensor]) -> None:
        self.register_buffer(name, torch.stack(directions).contiguous())


def _onnx_gates(weights: Tensor) -> Tensor:
    """Reorder the gates on the first axis: PyTorch keeps [i, f, g, o]; ONNX wants [i, o, f, c], where c is that g."""
    i, f, g, o = weights.detach().chunk(4, dim=0)
    return torch.cat([i, o, f, g])
