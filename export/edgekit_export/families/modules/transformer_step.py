"""One step of the causal Transformer, with the keys and values of the last W steps in a ring per layer.

A step writes its key and value over the oldest slot and attends to all slots, in whatever order they lie: a softmax
does not mind. Only the distance of a slot matters, (slot of this step - slot) mod W. The caches are written by
``ScatterND``, the fastest of the ways that were timed (four layers of width 128, W = 100, one thread: 176 us a step;
``ScatterElements`` 192, a one-hot ``Where`` 417).
"""

from __future__ import annotations

import torch

from edgekit_export.families.contract import StepForm
from edgekit_export.families.modules.transformer import MASKED, Block, CausalTransformer
from edgekit_targets.types.manifest import State

_FLOAT = 1  # onnx.TensorProto.FLOAT


def transformer_step(module: CausalTransformer) -> StepForm:
    """The stream form of ``module``.

    States: ``step``, int64 [batch], counts 0 .. 2 W - 1 and falls back from there to W, which means the same: the ring
    is full and the next slot is 0. So it never overflows. Each stream of a batch has its own; setting it to 0 alone
    starts that stream anew, since what it has not written yet is masked. ``k`` and ``v`` of every layer, float32
    [batch, heads, W, dim / heads].
    """
    heads, window = len(module.position.slopes), module.position.window
    ring = ("batch", heads, window, module.embed.out_features // heads)
    names = [f"{letter}{layer}" for layer in range(len(module.blocks)) for letter in "kv"]
    return StepForm(
        module=TransformerStep(module),
        states=(
            State(input="step", output="step_next", shape=("batch",), dtype="int64", initial=0),
            *(State(input=name, output=f"{name}_next", shape=ring, dtype="float32", initial=0.0) for name in names),
        ),
        window=window,
    )


class TransformerStep(torch.nn.Module):
    """Raw float32 [batch, features] and the states -> logits [batch, classes] and the next states; for tracing only."""

    behind: torch.Tensor
    heads: torch.Tensor

    def __init__(self, module: CausalTransformer) -> None:
        """Share the weights of ``module``."""
        super().__init__()
        self.normalise, self.embed, self.norm, self.head = module.normalise, module.embed, module.norm, module.head
        self.blocks, self.slopes, self.window = module.blocks, module.position.slopes, module.position.window
        self.register_buffer("behind", self.window - torch.arange(self.window))
        self.register_buffer("heads", torch.arange(len(self.slopes)))

    def forward(self, x: torch.Tensor, states: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """One step; ``states`` are step, k0, v0, k1, v1, ..."""
        step = states[0]
        slot = step % self.window
        distance = (slot[:, None] + self.behind) % self.window
        seen = distance <= step[:, None]
        # [batch, heads, 1, W]: the same numbers as in the row of DistanceBias for the last step.
        bias = torch.where(seen[:, None, None], -self.slopes * distance[:, None, None], MASKED)
        place = self._place(slot)
        after = [torch.where(step + 1 < 2 * self.window, step + 1, self.window)]
        hidden = self.embed(self.normalise(x))
        for layer, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            keys, values = states[1 + 2 * layer], states[2 + 2 * layer]
            q, k, v = (
                block.qkv(block.norm_attention(hidden))
                .reshape(x.shape[0], 3 * block.heads, 1, -1)
                .split(block.heads, dim=1)
            )
            keys, values = _write(keys, place, k), _write(values, place, v)
            after += [keys, values]
            mixed, _ = block.attend(q, keys, values, bias)
            hidden = block.finish(hidden, mixed.flatten(1))
        return self.head(self.norm(hidden)), after

    def _place(self, slot: torch.Tensor) -> torch.Tensor:
        """Where this step goes in a cache: (stream, head, slot), int64 [batch, heads, 1, 3]."""
        batch, heads = slot.shape[0], len(self.heads)
        stream = torch.arange(batch)[:, None].expand(-1, heads)
        return torch.stack([stream, self.heads.expand(batch, -1), slot[:, None].expand(-1, heads)], dim=-1).unsqueeze(2)


def _write(cache: torch.Tensor, place: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
    """``cache`` [batch, heads, W, width] with ``row`` [batch, heads, 1, width] at ``place``, as one ``ScatterND``."""
    return torch.onnx.ops.symbolic("ScatterND", (cache, place, row), dtype=_FLOAT, shape=cache.shape, version=18)
