"""The causal Transformer classifier as a torch module, from plain operators."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from edgekit_export.families.contract import ModelSpec
from edgekit_export.families.modules.entry import entry

MASKED = -3.0e4
"""Added to the score of a step that may not be seen: exp() of it is exactly 0 in float32, and float16 can hold it."""
LEAST_SLOPE = 2.0**-8
"""That of the last head, however many there are."""


class CausalTransformer(torch.nn.Module):
    """Raw float32 [batch, length, features] -> pre-norm blocks -> last step -> logits [batch, classes].

    Every layer attends to the last ``window`` steps, the present one included. Position enters only as a bias on the
    scores by distance, so N steps fed one by one through a ring of ``window`` keys and values give the same answer as
    one call with N steps, for any N.
    """

    def __init__(self, spec: ModelSpec) -> None:
        """Build it to ``spec`` (settings ``dim``, ``heads``, ``ff``, ``layers``, ``window``, ``dropout``)."""
        super().__init__()
        dim, heads = int(spec.settings["dim"]), int(spec.settings["heads"])
        self.normalise = entry(spec)
        self.embed = torch.nn.Linear(spec.features, dim)
        self.position = DistanceBias(heads, int(spec.settings["window"]))
        self.blocks = torch.nn.ModuleList(
            Block(dim, heads, int(spec.settings["ff"]), float(spec.settings["dropout"]))
            for _ in range(int(spec.settings["layers"]))
        )
        self.norm = torch.nn.LayerNorm(dim)
        self.head = torch.nn.Linear(dim, spec.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [batch, classes] of raw ``x`` [batch, length, features]."""
        hidden = self.embed(self.normalise(x))
        bias = self.position(x.shape[1])
        last = len(self.blocks) - 1
        for index, block in enumerate(self.blocks):
            hidden, _ = block(hidden, bias, only_last=index == last)
        return self.head(self.norm(hidden[:, -1]))  # type: ignore[no-any-return]

    def with_attention(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The same logits, and the attention weights [batch, layers, heads, query, key] of every step on every step.

        The last layer computes all its queries here, which :meth:`forward` spares itself.
        """
        hidden = self.embed(self.normalise(x))
        bias = self.position(x.shape[1])
        seen = []
        for block in self.blocks:
            hidden, weights = block(hidden, bias, only_last=False)
            seen.append(weights)
        return self.head(self.norm(hidden[:, -1])), torch.stack(seen, dim=1)


class WithAttention(torch.nn.Module):
    """Gives what :meth:`CausalTransformer.with_attention` gives, so that it can be traced."""

    def __init__(self, model: CausalTransformer) -> None:
        """Share the weights of ``model``."""
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [batch, classes] and attention [batch, layers, heads, length, length]."""
        return self.model.with_attention(x)


class DistanceBias(torch.nn.Module):
    """ALiBi (Press et al. 2022, https://arxiv.org/abs/2108.12409): a penalty that grows with distance.

    Each head has its own slope, all layers share them; what lies outside the window is masked. A learned table per head
    and distance (T5) gave the same validation loss and accuracy, so the form without weights and gathers is used.
    """

    slopes: torch.Tensor

    def __init__(self, heads: int, window: int) -> None:
        """Slopes 2^(-8 h / heads) for head h = 1 .. heads."""
        super().__init__()
        self.window = window
        slopes = torch.tensor([2.0 ** (-8.0 * (head + 1) / heads) for head in range(heads)])
        self.register_buffer("slopes", slopes[:, None, None], persistent=False)

    def forward(self, length: int) -> torch.Tensor:
        """The bias [heads, length, length] of query i (rows) on key j (columns).

        What may not be seen, ahead of the query or beyond the window, gets a penalty that grows past any score: the
        largest of three straight lines, since choosing among values took 5 % of a window's time in int8 (preset
        ``mid``, length 100). Distances are counted in units of the least slope, a power of two, so that nothing is
        rounded, and the mask fits float16.
        """
        steps = torch.arange(length)
        distance = (steps[:, None] - steps[None, :]).to(self.slopes.dtype)
        ahead, beyond = MASKED * distance, -MASKED * (distance - (self.window - 1))
        penalty = torch.maximum(torch.maximum(distance * LEAST_SLOPE, ahead), beyond)
        return -self.slopes / LEAST_SLOPE * penalty


class Block(torch.nn.Module):
    """Pre-norm attention and feed-forward (Xiong et al. 2020, https://arxiv.org/abs/2002.04745)."""

    def __init__(self, dim: int, heads: int, ff: int, dropout: float) -> None:
        """``qkv`` holds query, key and value packed in one matrix: one product instead of three."""
        super().__init__()
        self.heads = heads
        self.scale = 1.0 / math.sqrt(dim // heads)
        self.norm_attention = torch.nn.LayerNorm(dim)
        self.qkv = torch.nn.Linear(dim, 3 * dim)
        self.out = torch.nn.Linear(dim, dim)
        self.norm_ff = torch.nn.LayerNorm(dim)
        self.up = torch.nn.Linear(dim, ff)
        self.down = torch.nn.Linear(ff, dim)
        self.dropout = torch.nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, bias: torch.Tensor, *, only_last: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """[batch, length, dim] to the same shape, or to [batch, 1, dim] when ``only_last``; and the attention weights.

        Nothing reads the earlier steps of the last layer, so it need not compute them: same answer, less work.
        """
        dim = x.shape[2]
        qkv = self.qkv(self.norm_attention(x)).reshape(x.shape[0], x.shape[1], 3 * self.heads, dim // self.heads)
        q, k, v = qkv.transpose(1, 2).split(self.heads, dim=1)
        if only_last:
            x, q, bias = x[:, -1:], q[:, :, -1:], bias[:, -1:]
        mixed, weights = self.attend(q, k, v, bias)
        return self.finish(x, mixed.transpose(1, 2).reshape(x.shape[0], x.shape[1], dim)), weights

    def attend(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scaled dot-product attention of q [batch, heads, queries, width] over k and v [batch, heads, keys, width].

        Returns:
            What was mixed [batch, heads, queries, width], and the weights [batch, heads, queries, keys].
        """
        scores = torch.matmul(q * self.scale, k.transpose(2, 3)) + bias
        weights = torch.softmax(scores, dim=-1)
        return torch.matmul(weights, v), weights

    def finish(self, x: torch.Tensor, mixed: torch.Tensor) -> torch.Tensor:
        """What follows attention, for ``x`` and ``mixed`` [..., dim]: projection, residual, feed-forward."""
        x = x + self.dropout(self.out(mixed))
        wide = functional.relu(self.up(self.norm_ff(x)))
        return torch.add(x, self.dropout(self.down(self.dropout(wide))))
