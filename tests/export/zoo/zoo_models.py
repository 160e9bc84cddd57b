"""Models as users write them: every function is one that ``edgekit export zoo_models:<name>`` names."""

# The code is a user's, not edgekit's: untyped, and with the habits that exporters trip over.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN204

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class StockLstm(nn.Module):
    def __init__(self, layers=1, bi=False, batch_first=True):
        super().__init__()
        self.lstm = nn.LSTM(6, 8, layers, batch_first=batch_first, bidirectional=bi)
        self.head = nn.Linear(16 if bi else 8, 3)
        self.axis = 1 if batch_first else 0

    def forward(self, x):
        y, _ = self.lstm(x)
        return self.head(y.select(self.axis, -1))


def lstm():
    return StockLstm(), torch.zeros(2, 20, 6)


def lstm_bi2():
    return StockLstm(2, True), torch.zeros(2, 20, 6)


def lstm_time_first():
    return StockLstm(2, True, False), torch.zeros(20, 2, 6)


def lstm_bare():
    return nn.LSTM(6, 8, 2, batch_first=True), (torch.zeros(2, 20, 6),)


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 8, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        y, (h, _) = self.lstm(packed)
        y, _ = pad_packed_sequence(y, batch_first=True)
        return {"logits": self.head(torch.cat([h[-2], h[-1]], -1)), "steps": y}


def packed():
    return Packed(), (torch.zeros(3, 20, 6), torch.tensor([20, 7, 3]))


class Gru(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(6, 8, 2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.gru(x)[0][:, -1])


def gru():
    return Gru(), torch.zeros(2, 20, 6)


class LstmAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 8, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        y, _ = self.lstm(x)
        z, w = self.attention(y, y, y)
        return self.head(z.mean(1)), w


def lstm_attention():
    return LstmAttention(), torch.zeros(2, 20, 6)


class Encoder(nn.Module):
    def __init__(self, norm_first=False):
        super().__init__()
        self.embed = nn.Linear(6, 8)
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first), 2
        )
        self.head = nn.Linear(8, 3)

    def forward(self, x, padding=None):
        y = self.encoder(self.embed(x), src_key_padding_mask=padding)
        if padding is None:
            return self.head(y.mean(1))
        keep = (~padding).unsqueeze(-1)
        return self.head((y * keep).sum(1) / keep.sum(1))


def encoder_post():
    return Encoder(), torch.zeros(2, 20, 6)


def encoder_pre():
    return Encoder(True), torch.zeros(2, 20, 6)


def encoder_padding():
    mask = torch.zeros(3, 20, dtype=torch.bool)
    mask[0, 15:] = True
    mask[2, 4:] = True
    return Encoder(), {"x": torch.zeros(3, 20, 6), "padding": mask}


class Causal(nn.Module):
    def __init__(self, hint=True):
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)
        self.hint = hint

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.encoder(x, mask=mask, is_causal=True) if self.hint else self.encoder(x, mask=mask)


def encoder_causal():
    return Causal(), torch.zeros(2, 20, 8)


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 8)
        self.position = nn.Parameter(torch.randn(1, 64, 8))
        self.cls = nn.Parameter(torch.randn(1, 1, 8))
        self.qkv = nn.Linear(8, 24)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens, mask):
        x = self.embed(tokens)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1)
        x = x + self.position[:, : x.shape[1]]
        b, t, _ = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, 2, 4).permute(2, 0, 3, 1, 4)
        mask = F.pad(mask, (1, 0), value=True)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        return self.head(y.transpose(1, 2).reshape(b, t, 8)[:, 0])


def tokens_sdpa_cls():
    return Tokens(), (torch.randint(0, 30, (2, 20)), torch.ones(2, 20, dtype=torch.bool))


class CnnLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(6, 8, 3, padding=1, stride=2)
        self.norm = nn.BatchNorm1d(8)
        self.lstm = nn.LSTM(8, 32, batch_first=True)
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        y = torch.relu(self.norm(self.conv(x.transpose(1, 2)))).transpose(1, 2)
        return self.head(self.lstm(y)[0])


def cnn_lstm():
    return CnnLstm(), torch.zeros(2, 20, 6)


class ChannelsFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(6, 8, 3, padding=1)
        self.lstm = nn.LSTM(8, 16, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.lstm(self.conv(x).transpose(1, 2))[0][:, -1])


def channels_first():
    return ChannelsFirst(), torch.zeros(2, 6, 20)


class Spectrogram(nn.Module):
    """Bands before time, as audio has it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, stride=(2, 1), padding=1)
        self.lstm = nn.LSTM(20, 8, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        steps = self.conv(x).relu().permute(0, 3, 1, 2).flatten(2)
        return self.head(self.lstm(steps)[0][:, -1])


def spectrogram():
    return Spectrogram(), torch.randn(2, 1, 10, 40)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 8, batch_first=True)
        self.static = nn.Linear(4, 8)
        self.head = nn.Linear(16, 3)

    def forward(self, x, meta):
        return self.head(torch.cat([self.lstm(x)[0][:, -1], torch.relu(self.static(meta))], -1))


def two_inputs():
    return Two(), (torch.zeros(2, 20, 6), torch.zeros(2, 4))


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x, state):
        y, state = self.lstm(x, state)
        return self.head(y), state


def lstm_states():
    # One tensor for both, as people write it: the exporter must not take the two states for one input.
    zeros = torch.zeros(2, 3, 8)
    return Stateful(), (torch.zeros(3, 20, 6), (zeros, zeros))


class Uneven(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(6, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        return self.head(self.gru(packed)[1][-1])


def gru_packed_time_first():
    return Uneven(), (torch.zeros(20, 3, 6), torch.tensor([20, 7, 3]))


class Shared(nn.Module):
    """One LSTM twice, initial states of its own, and a weight read from it."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 6, batch_first=True)
        self.h = nn.Parameter(torch.randn(1, 1, 6))
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        start = self.h.expand(-1, x.shape[0], -1).contiguous()
        y, state = self.lstm(x, (start, torch.zeros_like(start)))
        return {"logits": self.head(self.lstm(y, state)[0][:, -1]), "count": (y > 0).sum((1, 2))}


def lstm_twice():
    return Shared(), torch.zeros(2, 20, 6)


class Bounded(nn.Module):
    """Learned positions end the length."""

    def __init__(self):
        super().__init__()
        self.position = nn.Parameter(torch.randn(1, 24, 6))
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(torch.relu(x + self.position[:, : x.shape[1]]).mean(1))


def bounded():
    return Bounded(), torch.zeros(2, 20, 6)


def plain_module():
    return StockLstm()


class CrossAttention(nn.Module):
    """A decoder's layer: its own causal attention, then attention to what the encoder gave."""

    def __init__(self):
        super().__init__()
        self.net = nn.Transformer(16, 2, 1, 1, 24, batch_first=True)
        self.up = nn.Linear(6, 16)
        self.head = nn.Linear(16, 3)

    def forward(self, x, seen, padding):
        mask = nn.Transformer.generate_square_subsequent_mask(seen.shape[1])
        steps = self.net(
            self.up(x),
            self.up(seen),
            tgt_mask=mask,
            tgt_is_causal=True,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )
        return self.head(steps)


def encoder_decoder():
    return CrossAttention(), (torch.randn(2, 20, 6), torch.randn(2, 20, 6), torch.zeros(2, 20, dtype=torch.bool))


def two_lengths():
    query, other = torch.randn(2, 14, 6), torch.randn(2, 20, 6)
    return nn.MultiheadAttention(6, 2, batch_first=True), {"query": query, "key": other, "value": other}


class Sides(nn.Module):
    """Pooled over both of its sides, so that both may have any size."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.conv(x).relu().mean((2, 3)))


def two_sides():
    return Sides(), torch.randn(2, 1, 40, 10)
