"""``--checkpoint FILE``: weights from elsewhere, untrusted."""

from __future__ import annotations

import io
import pickle  # noqa: TID251 - for the name of the error that torch.load(weights_only=True) raises; nothing is unpickled
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from edgekit_targets.errors import InputError
from edgekit_targets.extras import require

_SAVE = "save it with torch.save(model.state_dict(), FILE) or safetensors.torch.save_file"

_TRAINED_WITH = "give the --preset, --set and --data it was trained with"

_DAMAGE = (
    *(RuntimeError, EOFError, OSError, OverflowError, MemoryError, struct.error),
    *(ValueError, TypeError, LookupError, AttributeError, AssertionError),
)
"""torch has no error of its own for a damaged file: its readers raise whatever they trip over (found by fuzzing)."""


def load_checkpoint(path: Path, module: torch.nn.Module, family: str, remedy: str = _TRAINED_WITH) -> None:
    """Fill ``module`` with the weights in ``path``: safetensors, or what ``torch.save(model.state_dict())`` wrote.

    ``remedy`` says what to do where the weights do not fit.

    Raises:
        InputError: missing, a folder, truncated, a pickle that is more than weights, weights of another architecture,
            or weights that are not finite; the message names ``--checkpoint`` and the remedy.
    """
    weights = _read(path)
    _fits(path, weights, module, family, remedy)
    for name, value in weights.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise InputError(f"--checkpoint {path} holds NaN or infinity in {name}; its training diverged")
    module.load_state_dict(weights)


def _read(path: Path) -> dict[str, torch.Tensor]:
    if path.is_dir():
        raise InputError(f"--checkpoint {path} is a folder; name the file in it")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"--checkpoint {path} cannot be read: {error.strerror}") from error
    # A safetensors file starts with the length of its JSON header in 8 bytes, then the header's brace.
    found = _read_safetensors(path, content) if content[8:9] == b"{" else _read_torch(path, content)
    if not isinstance(found, Mapping) or not found:
        raise InputError(f"--checkpoint {path} holds {type(found).__name__}, not named weights; {_SAVE}")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise InputError(f"--checkpoint {path} holds more than weights ({name!r}); {_SAVE}")
    return dict(found)


def _read_safetensors(path: Path, content: bytes) -> Any:
    error_type = require("safetensors").SafetensorError
    try:
        return require("safetensors.torch").load(content)
    except error_type as error:
        raise InputError(f"--checkpoint {path} is truncated or damaged; copy it again") from error


def _read_torch(path: Path, content: bytes) -> Any:
    """What ``torch.save`` wrote; only its archive form (torch 1.6 and newer), which is a zip file."""
    if content[:2] != b"PK":
        raise InputError(f"--checkpoint {path} is no checkpoint; {_SAVE}")
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(f"--checkpoint {path} holds more than weights, or is damaged; {_SAVE}") from error
    except _DAMAGE as error:
        raise InputError(f"--checkpoint {path} is truncated or damaged; copy it again") from error


def _fits(path: Path, weights: Mapping[str, torch.Tensor], module: torch.nn.Module, family: str, remedy: str) -> None:
    wanted = module.state_dict()
    complaints = [f"{name} is missing" for name in wanted if name not in weights]
    complaints += [f"{name!r} is not part of it" for name in weights if name not in wanted]
    complaints += [
        f"{name} is {list(weights[name].shape)}, not {list(wanted[name].shape)}"
        for name in wanted
        if name in weights and weights[name].shape != wanted[name].shape
    ]
    if complaints:
        more = f" and {len(complaints) - 1} more" if len(complaints) > 1 else ""
        raise InputError(f"--checkpoint {path} does not fit this {family}: {complaints[0]}{more}; {remedy}")
