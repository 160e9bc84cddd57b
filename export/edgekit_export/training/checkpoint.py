"""The cache of trained weights: safetensors files in the user's cache folder, reused when nothing changed."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
import torch

from edgekit_export.families.contract import ModelSpec
from edgekit_export.training.fit import Fitted
from edgekit_export.training.recipe import VERSION, Recipe
from edgekit_targets.errors import InputError
from edgekit_targets.extras import require
from edgekit_targets.files import write_atomic
from edgekit_targets.types.manifest import Training

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Key:
    """Everything that trained weights depend on."""

    family: str
    spec: ModelSpec
    recipe: Recipe
    data_sha256: str
    seed: int

    @property
    def digest(self) -> str:
        """SHA-256 over all of it, the version of training and that of torch."""
        facts = {
            "family": self.family,
            "features": self.spec.features,
            "classes": self.spec.classes,
            "length": self.spec.length,
            "settings": dict(self.spec.settings),
            "recipe": asdict(self.recipe),
            "recipe_version": VERSION,
            "data": self.data_sha256,
            "seed": self.seed,
            "torch": torch.__version__,
            **({} if self.spec.vocab is None else {"vocab": self.spec.vocab}),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def cache_folder() -> Path:
    """Where checkpoints live, for example ``~/.cache/edgekit/checkpoints``."""
    return Path(platformdirs.user_cache_dir("edgekit", appauthor=False)) / "checkpoints"


def path_of(key: Key) -> Path:
    """The file of one key."""
    return cache_folder() / f"{key.family}-{key.digest}.safetensors"


def keep(key: Key, module: torch.nn.Module, fitted: Fitted) -> Training:
    """Write the weights of ``module``; a cache that cannot be written costs a warning, not the training."""
    weights = _weights(module)
    metadata = {
        "format": "pt",
        "key": key.digest,
        "family": key.family,
        "weights_sha256": _digest(weights),
        "epochs": str(fitted.epochs),
        "best_epoch": str(fitted.best_epoch),
        "seconds": repr(fitted.seconds),
        **({} if fitted.cpu_seconds is None else {"cpu_seconds": repr(fitted.cpu_seconds)}),
    }
    content: bytes = require("safetensors.torch").save(weights, metadata=metadata)
    try:
        write_atomic(path_of(key), content)
    except InputError as error:
        _log.warning("the trained %s is not kept for the next run: %s", key.family, error)
    return _training(key, fitted, hashlib.sha256(content).hexdigest())


def reuse(key: Key, module: torch.nn.Module) -> Training | None:
    """Fill ``module`` from the cache, or None where there is no sound entry (``module`` is then untouched)."""
    path = path_of(key)
    safetensors = require("safetensors")
    try:
        content = path.read_bytes()
        with safetensors.safe_open(path, framework="pt") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
        weights: dict[str, torch.Tensor] = require("safetensors.torch").load(content)
        fitted = Fitted(
            epochs=int(metadata["epochs"]),
            best_epoch=int(metadata["best_epoch"]),
            seconds=float(metadata["seconds"]),
            # An older edgekit did not tell it.
            cpu_seconds=float(metadata["cpu_seconds"]) if "cpu_seconds" in metadata else None,
        )
        sound = metadata["key"] == key.digest and metadata["weights_sha256"] == _digest(weights)
    except FileNotFoundError:
        return None
    except (OSError, safetensors.SafetensorError, KeyError, ValueError) as error:
        _log.warning("the cached %s is damaged and is trained again (%s)", key.family, error)
        return None
    if not sound or {name: value.shape for name, value in weights.items()} != {
        name: value.shape for name, value in module.state_dict().items()
    }:
        _log.warning("the cached %s is not what was written and is trained again", key.family)
        return None
    module.load_state_dict(weights)
    return _training(key, fitted, hashlib.sha256(content).hexdigest())


def _weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().contiguous() for name, value in sorted(module.state_dict().items())}


def _digest(weights: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names and values: safetensors itself has no checksum, and a flipped bit would be a wrong number."""
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        digest.update(f"{name}{value.dtype}{tuple(value.shape)}".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def _training(key: Key, fitted: Fitted, checkpoint_sha256: str) -> Training:
    return Training(
        seed=key.seed,
        epochs=fitted.epochs,
        seconds=fitted.seconds,
        cpu_seconds=fitted.cpu_seconds,
        best_epoch=fitted.best_epoch,
        checkpoint_sha256=checkpoint_sha256,
    )
