"""The causal Transformer sees its window and nothing else, and knows no absolute position."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_export.families.contract import ModelSpec
from edgekit_export.families.modules.transformer import CausalTransformer

FEATURES = 3


def build(layers: int, window: int) -> CausalTransformer:
    sizes = {"dim": 16, "heads": 4, "ff": 24, "layers": layers, "window": window, "dropout": 0.3}
    torch.manual_seed(0)
    spec = ModelSpec(features=FEATURES, classes=4, length=8, settings=sizes)
    return CausalTransformer(spec).double().eval()


def all_steps(module: CausalTransformer, x: torch.Tensor) -> torch.Tensor:
    """Logits after every step, by running every prefix."""
    return torch.stack([module(x[:, : step + 1]) for step in range(x.shape[1])], dim=1)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3), st.integers(1, 5), st.integers(0, 6))
def test_the_answer_depends_on_the_receptive_field_alone(layers: int, window: int, older: int) -> None:
    module = build(layers, window)
    seen = layers * (window - 1) + 1
    x = torch.randn(2, seen + older, FEATURES, dtype=torch.float64)
    whole = module(x)
    changed = x.clone()
    changed[:, :older] += 10.0
    torch.testing.assert_close(module(changed), whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(module(x[:, older:]), whole, rtol=1e-9, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3), st.integers(2, 5))
def test_the_oldest_step_of_the_receptive_field_still_counts(layers: int, window: int) -> None:
    module = build(layers, window)
    x = torch.randn(2, layers * (window - 1) + 1, FEATURES, dtype=torch.float64)
    changed = x.clone()
    changed[:, 0] += 10.0
    assert (module(changed) - module(x)).abs().max() > 0


def test_a_shift_in_time_changes_nothing() -> None:
    """After ``seen`` steps of the same signal, what came before and how long ago it began cannot matter."""
    module, seen = build(2, 4), 7
    x = torch.randn(1, 30, FEATURES, dtype=torch.float64)
    answers = all_steps(module, x)
    late = all_steps(module, x[:, 11:])
    torch.testing.assert_close(late[:, seen - 1 :], answers[:, 11 + seen - 1 :], rtol=1e-9, atol=1e-9)


def test_skipping_the_earlier_steps_of_the_last_layer_changes_nothing() -> None:
    module = build(3, 4)
    x = torch.randn(2, 9, FEATURES, dtype=torch.float64)
    hidden = module.embed(module.normalise(x))
    for block in module.blocks:
        hidden, _ = block(hidden, module.position(9).double(), only_last=False)
    torch.testing.assert_close(module(x), module.head(module.norm(hidden[:, -1])), rtol=1e-9, atol=1e-9)


def test_with_attention_the_logits_stay_and_the_weights_are_those_of_the_definition() -> None:
    module = build(2, 4)
    x = torch.randn(2, 9, FEATURES, dtype=torch.float64)
    logits, weights = module.with_attention(x)
    torch.testing.assert_close(logits, module(x), rtol=1e-9, atol=1e-9)
    hidden = module.embed(module.normalise(x))
    blocks: list[Any] = list(module.blocks)
    assert weights.shape == (2, len(blocks), blocks[0].heads, 9, 9)
    for layer, block in enumerate(blocks):
        qkv = block.qkv(block.norm_attention(hidden)).unflatten(-1, (3, block.heads, -1))
        for head in range(block.heads):
            q, k = qkv[:, :, 0, head], qkv[:, :, 1, head]
            scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5 + module.position(9).double()[head]
            wanted = torch.softmax(scores, dim=-1)
            torch.testing.assert_close(weights[:, layer, head], wanted, rtol=1e-9, atol=1e-9)
        hidden, _ = block(hidden, module.position(9).double(), only_last=False)


def test_steps_one_by_one_with_the_last_keys_and_values_equal_the_window() -> None:
    """The reference for a stream form: a ring of ``window`` keys and values per layer, oldest first."""
    module, window = build(2, 4), 4
    x = torch.randn(1, 15, FEATURES, dtype=torch.float64)
    blocks: list[Any] = list(module.blocks)
    rings: list[list[tuple[torch.Tensor, torch.Tensor]]] = [[], []]
    for step in range(x.shape[1]):
        hidden = module.embed(module.normalise(x[:, step]))[0]
        for block, ring in zip(blocks, rings, strict=True):
            q, k, v = block.qkv(block.norm_attention(hidden)).reshape(3, 4, 4)
            ring.append((k, v))
            del ring[:-window]
            distance = torch.arange(len(ring) - 1, -1, -1, dtype=torch.float64)
            keys, values = (torch.stack(each, dim=1) for each in zip(*ring, strict=True))
            scores = (keys @ q[:, :, None])[..., 0] / 2.0 - module.position.slopes[:, 0].double() * distance
            mixed = (torch.softmax(scores, dim=-1)[:, None] @ values).reshape(-1)
            hidden = hidden + block.out(mixed)
            hidden = hidden + block.down(torch.relu(block.up(block.norm_ff(hidden))))
        answer = module.head(module.norm(hidden))
        torch.testing.assert_close(answer[None], module(x[:, : step + 1]), rtol=1e-9, atol=1e-9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_it_exports_with_free_batch_and_length(tmp_path: Path) -> None:
    import onnxruntime

    module = build(2, 4).float()
    free = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    program = torch.onnx.export(
        module, (torch.randn(2, 5, FEATURES),), dynamo=True, opset_version=18, dynamic_shapes=(free,), verbose=False
    )
    assert program is not None
    path = f"{tmp_path}/model.onnx"
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["batch", "length", FEATURES]
    assert session.get_outputs()[0].shape == ["batch", 4]
    for batch, length in [(1, 1), (1, 7), (3, 40)]:
        x = torch.randn(batch, length, FEATURES)
        (answer,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        np.testing.assert_allclose(answer, module(x).detach().numpy(), rtol=1e-4, atol=1e-5)
