"""One step of the causal Transformer, with the keys and values of the last W steps in a ring per layer.

A step writes its key and value over the oldest slot and attends to all slots, in whatever order they lie: a softmax
does not mind. Only the distance of a slot matters, (slot of this step - slot) mod W. The caches are written by
``ScatterND``, the fastest of the ways that were timed (four layers of width 128, W = 100, one thread: 176 us a step;
``ScatterElements`` 192, a one-hot ``Where`` 417), and nothing else reads the old ones, so they may be written in place.

What follows from the counter alone is looked up rather than computed, in tables that grow with W, not with its square.
Tried and not kept (of 107 us): keys as [heads, width, W], so that no product needs a transposition, are 8 us slower,
since a write then touches 128 places; the streams of the batch by ``NonZero`` instead of ``Range`` 1 us slower;
``SkipLayerNormalization`` instead of Add and LayerNormalization 3 us slower.
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
    [batch, heads, W, dim / heads], may be written in place.
    """
    heads, window = len(module.position.slopes), module.position.window
    ring = ("batch", heads, window, module.embed.out_features // heads)
    names = [f"{letter}{layer}" for layer in range(len(module.blocks)) for letter in "kv"]
    return StepForm(
        module=TransformerStep(module),
        states=(
            State(input="step", output="step_next", shape=("batch",), dtype="int64", initial=0),
            *(
                State(input=name, output=f"{name}_next", shape=ring, dtype="float32", initial=0.0, in_place=True)
                for name in names
            ),
        ),
        window=window,
    )


class TransformerStep(torch.nn.Module):
    """Raw float32 [batch, features] and the states -> logits [batch, classes] and the next states; for tracing only."""

    following: torch.Tensor
    slots: torch.Tensor
    heads: torch.Tensor
    biases: torch.Tensor
    ahead: torch.Tensor

    def __init__(self, module: CausalTransformer) -> None:
        """Share the weights of ``module``."""
        super().__init__()
        self.normalise, self.embed, self.norm, self.head = module.normalise, module.embed, module.norm, module.head
        self.blocks = module.blocks
        heads, window = len(module.position.slopes), module.position.window
        counter = torch.arange(2 * window)
        self.register_buffer("following", torch.where(counter + 1 < 2 * window, counter + 1, window))
        # A place in a cache is (stream, head, slot): here head 0 and the slot, and then what each head adds.
        self.register_buffer("slots", torch.stack([torch.zeros_like(counter), counter % window], dim=1))
        places = torch.zeros(heads, 1, 3, dtype=torch.int64)
        places[:, 0, 1] = torch.arange(heads)
        self.register_buffer("heads", places)
        # A slot's bias follows from counter - slot = -(W - 1) .. 2 W - 1: below zero it is not written yet, else the
        # distance is that modulo W. One row a head, end to end; ``ahead`` leads from the counter to the place in it.
        since = torch.arange(1 - window, 2 * window)
        slopes = module.position.slopes.reshape(heads, 1)
        self.register_buffer("biases", torch.where(since < 0, MASKED, -slopes * (since % window)).flatten())
        rows = torch.arange(heads)[:, None, None] * len(since)
        self.register_buffer("ahead", rows + window - 1 - torch.arange(window))

    def forward(self, x: torch.Tensor, states: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """One step; ``states`` are step, k0, v0, k1, v1, ..."""
        step, batch = states[0], x.shape[0]
        # [batch, heads, 1, W]: the same numbers as in the row of DistanceBias for the last step.
        bias = _look_up(self.biases, step[:, None, None, None] + self.ahead)
        place = self._place(step)
        after = [self.following.index_select(0, step)]
        hidden = self.embed(self.normalise(x))
        for layer, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            keys, values = states[1 + 2 * layer], states[2 + 2 * layer]
            qkv = block.qkv(block.norm_attention(hidden)).reshape(batch, 3 * block.heads, 1, -1)
            q, k, v = qkv.split(block.heads, dim=1)
            keys, values = _write(keys, place, k), _write(values, place, v)
            after += [keys, values]
            mixed, _ = block.attend(q, keys, values, bias)
            hidden = block.finish(hidden, mixed.flatten(1))
        return self.head(self.norm(hidden)), after

    def _place(self, step: torch.Tensor) -> torch.Tensor:
        """Where this step goes in a cache: (stream, head, slot), int64 [batch, heads, 1, 3]."""
        stream = torch.arange(step.shape[0])[:, None]
        return torch.cat([stream, self.slots.index_select(0, step)], dim=1)[:, None, None] + self.heads


def _look_up(table: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """``table[places]`` as one ``Gather``; indexing is traced as ``GatherND`` and what it needs around it."""
    gathered: torch.Tensor = torch.onnx.ops.symbolic(
        "Gather", (table, places), {"axis": 0}, dtype=_FLOAT, shape=places.shape, version=18
    )
    return gathered


def _write(cache: torch.Tensor, place: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
    """``cache`` [batch, heads, W, width] with ``row`` [batch, heads, 1, width] at ``place``, as one ``ScatterND``."""
    return torch.onnx.ops.symbolic("ScatterND", (cache, place, row), dtype=_FLOAT, shape=cache.shape, version=18)
