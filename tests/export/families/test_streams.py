"""Which modules have a stream form, and what it carries."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from edgekit_export.families import find
from edgekit_export.families.contract import ModelSpec, NoStream, StepForm

SIZES: dict[str, dict[str, float]] = {
    "lstm": {"hidden": 5, "layers": 2, "dropout": 0.0},
    "transformer": {"dim": 8, "heads": 2, "ff": 8, "layers": 3, "window": 4, "dropout": 0.0},
    "seed": {"dim": 8, "heads": 2, "ff": 8, "layers": 1, "dropout": 0.0},
    "linear": {},
    "conv": {"channels": 4, "layers": 1, "kernel": 3, "dropout": 0.0},
}


def made(family: str, sizes: str) -> Any:
    return find(family).build(ModelSpec(features=3, classes=2, length=6, settings=SIZES[sizes])).eval()


@pytest.mark.parametrize(
    ("family", "sizes", "why"),
    [
        ("linear", "linear", "weighs the whole sequence"),
        ("conv", "conv", "averages over the whole sequence"),
        ("transformer", "seed", "bidirectional"),
    ],
)
def test_what_needs_the_whole_sequence_has_no_stream_form(family: str, sizes: str, why: str) -> None:
    found = find(family).stream(made(family, sizes))
    assert isinstance(found, NoStream)
    assert why in found.reason
    assert "\n" not in found.reason


def test_a_bidirectional_lstm_has_no_stream_form() -> None:
    module = made("lstm", "lstm")
    module.lstm = torch.nn.LSTM(3, 5, bidirectional=True, batch_first=True)
    found = find("lstm").stream(module)
    assert isinstance(found, NoStream)
    assert "bidirectional LSTM" in found.reason


def test_the_lstm_carries_h_and_c_of_every_layer() -> None:
    form = find("lstm").stream(made("lstm", "lstm"))
    assert isinstance(form, StepForm)
    assert [(state.input, state.output, state.shape, state.dtype, state.initial) for state in form.states] == [
        (name, f"{name}_next", (1, "batch", 5), "float32", 0.0) for name in ("h0", "c0", "h1", "c1")
    ]
    assert form.window is None


def test_the_transformer_carries_a_ring_per_layer_and_one_counter() -> None:
    form = find("transformer").stream(made("transformer", "transformer"))
    assert isinstance(form, StepForm)
    counter, *rings = form.states
    assert (counter.input, counter.output, counter.shape, counter.dtype) == ("step", "step_next", ("batch",), "int64")
    assert [ring.input for ring in rings] == ["k0", "v0", "k1", "v1", "k2", "v2"]
    assert {(ring.shape, ring.dtype, ring.initial) for ring in rings} == {(("batch", 2, 4, 4), "float32", 0.0)}
    assert form.window == 4
