"""One step of the LSTM classifier, its h and c passed in and out."""

from __future__ import annotations

import torch

from edgekit_export.families.contract import NoStream, StepForm
from edgekit_export.families.modules.lstm import LstmClassifier
from edgekit_export.graph.lstm import LSTMTwin
from edgekit_targets.types.manifest import State


def lstm_step(module: torch.nn.Module) -> StepForm | NoStream:
    """The stream form of an :class:`LstmClassifier`: two states a layer, float32 [1, batch, hidden], zero at first."""
    assert isinstance(module, LstmClassifier)
    if module.lstm.bidirectional:
        return NoStream(reason="a bidirectional LSTM needs the steps to come, so it has no stream form")
    shape = (1, "batch", module.lstm.hidden_size)
    names = [f"{letter}{layer}" for layer in range(module.lstm.num_layers) for letter in "hc"]
    return StepForm(
        module=LstmStep(module),
        states=tuple(
            State(input=name, output=f"{name}_next", shape=shape, dtype="float32", initial=0.0) for name in names
        ),
        window=None,
    )


class LstmStep(torch.nn.Module):
    """Raw float32 [batch, features] and h, c of every layer -> logits [batch, classes] and the next h, c.

    One ONNX ``LSTM`` node a layer, over a sequence of one step. What it gives as its last h is the answer of that
    step, in the shape that both the next layer's input and the next step's state have.
    """

    def __init__(self, module: LstmClassifier) -> None:
        """Share the weights of ``module``."""
        super().__init__()
        self.normalise, self.head = module.normalise, module.head
        self.lstm = LSTMTwin(module.lstm, "lstm")

    def forward(self, x: torch.Tensor, states: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """One step; ``states`` are h0, c0, h1, c1, ... [1, batch, hidden] each."""
        hidden = self.normalise(x).unsqueeze(0)
        after: list[torch.Tensor] = []
        for layer in range(self.lstm.num_layers):
            _, hidden, cell = self.lstm.layer(layer, hidden, (states[2 * layer], states[2 * layer + 1]))
            after += [hidden, cell]
        return self.head(hidden.squeeze(0)), after
