"""What users write and no export can take: every function is refused by name."""

# The code is a user's, not edgekit's: untyped, and with the habits that exporters trip over.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202, ANN204

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from zoo_models import Causal, StockLstm


class Residual(nn.LSTM):
    def forward(self, x, hx=None):
        y, hx = super().forward(x, hx)
        return y + 1, hx


def bad_subclass():
    return nn.Sequential(Residual(6, 8, batch_first=True)), torch.zeros(2, 20, 6)


def bad_double():
    return StockLstm().double(), torch.zeros(2, 20, 6)


def bad_return():
    return 3


def bad_arguments(width):
    return StockLstm()


def bad_example():
    return StockLstm(), {"y": torch.zeros(2, 20, 6)}


def bad_width():
    return StockLstm(), torch.zeros(2, 20, 7)


class Loop(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(6, 8)

    def forward(self, x):
        h = c = x.new_zeros(x.shape[0], 8)
        for t in range(x.shape[1]):
            h, c = self.cell(x[:, t], (h, c))
        return h


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.ModuleDict({"loop": Loop()})
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.body["loop"](x))


def bad_loop():
    return Inner(), torch.zeros(2, 20, 6)


def bad_mask():
    return nn.Sequential(Causal(False)), torch.zeros(2, 20, 8)


class Projected(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 8, batch_first=True, proj_size=4)

    def forward(self, x):
        return self.lstm(x)[0]


def bad_proj():
    return Projected(), torch.zeros(2, 20, 6)


class If(nn.Module):
    def forward(self, x):
        return x * 2 if x.sum() > 0 else x


def bad_if():
    return nn.Sequential(nn.Linear(6, 6), If()), torch.zeros(2, 20, 6)


class Drop(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5)


def bad_dropout():
    return nn.Sequential(nn.Linear(6, 6), Drop()), torch.zeros(2, 20, 6)


@torch.library.custom_op("zoo::double", mutates_args=())
def double(x: Tensor) -> Tensor:
    return x * 2


@double.register_fake
def _(x):
    return torch.empty_like(x)


class Custom(nn.Module):
    def forward(self, x):
        return double(x)


def bad_op():
    return nn.Sequential(nn.Linear(6, 6), Custom()), torch.zeros(2, 20, 6)


class Batch(nn.Module):
    def forward(self, x):
        return x.reshape(2, -1)[:, :3]


def bad_batch():
    return nn.Sequential(nn.Linear(6, 6), Batch()), torch.zeros(2, 20, 6)


def bad_rnn():
    return nn.Sequential(nn.Linear(6, 6), nn.RNN(6, 8, batch_first=True)), torch.randn(2, 20, 6)


def bad_decoder_mask():
    mask = nn.Transformer.generate_square_subsequent_mask

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Transformer(6, 2, 1, 1, 8, batch_first=True)

        def forward(self, x):
            return self.net(x, x, tgt_mask=mask(x.shape[1]))

    return Decoder(), torch.randn(2, 20, 6)


def bad_packed():
    return nn.LSTM(6, 8, batch_first=True), (nn.utils.rnn.pack_sequence([torch.randn(5, 6), torch.randn(3, 6)]),)
