"""``--checkpoint``: weights from elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from edgekit_export.prepare import Prepared, prepare
from edgekit_targets.errors import InputError
from edgekit_targets.progress import silent

SMALL = {"lstm.hidden": "8", "layers": "1"}


def made(checkpoint: Path | None = None, settings: dict[str, str] | None = None, seed: int = 0) -> Prepared:
    return prepare(
        "lstm",
        preset="iot",
        settings=SMALL | (settings or {}),
        dataset=None,
        checkpoint=checkpoint,
        seed=seed,
        progress=silent,
    )


def refused(path: Path, message: str, settings: dict[str, str] | None = None) -> None:
    with pytest.raises(InputError, match=message) as caught:
        made(path, settings)
    assert str(caught.value).startswith(f"--checkpoint {path}")
    assert "\n" not in str(caught.value)


def message_of(path: Path) -> str:
    try:
        made(path)
    except InputError as error:
        return str(error)
    return ""


@pytest.fixture
def weights() -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = made(seed=7).module.state_dict()
    return state


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "no-suffix"])
@pytest.mark.parametrize("kind", ["safetensors", "torch"])
def test_both_forms_under_any_name(tmp_path: Path, weights: dict[str, torch.Tensor], name: str, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(safetensors.torch.save(weights) if kind == "safetensors" else saved(weights))
    loaded = made(path)
    assert (loaded.weights, loaded.training) == ("trained", None)
    for key, value in loaded.module.state_dict().items():
        assert torch.equal(value, weights[key])


def test_weights_of_another_architecture(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(saved(weights))
    refused(path, "does not fit this lstm: .* is \\[32, 12\\], not \\[36, 12\\] and", {"lstm.hidden": "9"})
    refused(path, "lstm.weight_ih_l1 is missing", {"layers": "2"})
    path.write_bytes(saved({**weights, "extra": torch.zeros(1)}))
    refused(path, "'extra' is not part of it; give the --preset, --set and --data")
    path.write_bytes(saved({}))
    refused(path, "not named weights")


def test_weights_that_are_not_finite(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(saved({**weights, "head.bias": torch.full((9,), float("nan"))}))
    refused(path, "NaN or infinity in head.bias")


def test_what_is_more_than_weights(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(saved(made().module))
    refused(path, "holds more than weights.*torch.save\\(model.state_dict\\(\\)")
    path.write_bytes(saved({"state_dict": weights}))
    refused(path, "holds more than weights \\('state_dict'\\)")
    path.write_bytes(saved([1, 2]))
    refused(path, "holds list, not named weights")


def test_what_is_no_file_of_weights(tmp_path: Path) -> None:
    refused(tmp_path, "is a folder")
    refused(tmp_path / "none.pt", "cannot be read: No such file")
    path = tmp_path / "w.pt"
    for content in (b"", b"hello", b"\x80\x04}."):
        path.write_bytes(content)
        refused(path, "is no checkpoint")


@pytest.mark.parametrize("kind", ["safetensors", "torch"])
def test_a_damaged_file_is_never_a_traceback(tmp_path: Path, weights: dict[str, torch.Tensor], kind: str) -> None:
    sound = safetensors.torch.save(weights) if kind == "safetensors" else saved(weights)
    path = tmp_path / "w.bin"
    path.write_bytes(sound[: len(sound) // 2])
    refused(path, "is truncated or damaged")
    generator = np.random.default_rng(0)
    for _ in range(100):
        damaged = bytearray(sound)
        if generator.random() < 0.5:
            del damaged[generator.integers(len(damaged)) :]
        for place in generator.integers(len(sound), size=8):
            if place < len(damaged):
                damaged[place] = generator.integers(256)
        path.write_bytes(damaged)
        assert "\n" not in message_of(path)
