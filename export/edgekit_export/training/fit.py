"""Training one module on one data set."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from edgekit_export.data.contract import UNKNOWN, Dataset
from edgekit_export.families.modules.entry import Embed
from edgekit_export.families.modules.normalise import Normalise
from edgekit_export.training.deterministic import deterministic, threads_for
from edgekit_export.training.recipe import Recipe
from edgekit_targets.errors import InputError
from edgekit_targets.progress import Progress

_WARM_UP = 0.1
_CLIP = 1.0


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """How training went: epochs run, the epoch (from 1) whose weights were kept, seconds on the wall and of the CPU."""

    epochs: int
    best_epoch: int
    seconds: float
    cpu_seconds: float | None


def fit(
    module: torch.nn.Module, dataset: Dataset, recipe: Recipe, *, seed: int, stage: str, progress: Progress
) -> Fitted:
    """Train ``module`` in place and leave it in eval mode with the weights of the best validation loss.

    Validation loss decides, not validation accuracy: on a few dozen sequences many epochs tie on accuracy. The same
    module, data, recipe and seed give the same bytes.

    Raises:
        InputError: the loss became NaN or infinite in every epoch (a learning rate far too high).
    """
    start, start_cpu = time.perf_counter_ns(), time.process_time_ns()
    with deterministic(seed, threads_for(module)):
        epochs, best_epoch = _fit(module, dataset, recipe, stage, progress)
    return Fitted(
        epochs=epochs,
        best_epoch=best_epoch,
        seconds=(time.perf_counter_ns() - start) / 1e9,
        cpu_seconds=(time.process_time_ns() - start_cpu) / 1e9,
    )


def _fit(module: torch.nn.Module, dataset: Dataset, recipe: Recipe, stage: str, progress: Progress) -> tuple[int, int]:
    """Epochs run and the best of them."""
    vary = _varying(module, dataset, recipe)
    x, y = torch.from_numpy(dataset.x_train), torch.from_numpy(dataset.y_train)
    x_valid, y_valid = torch.from_numpy(dataset.x_valid), torch.from_numpy(dataset.y_valid)
    steps_per_epoch = math.ceil(len(x) / recipe.batch)
    optimizer, schedule = _optimizer(module, recipe, recipe.epochs * steps_per_epoch)
    best_loss, best_epoch, epoch = math.inf, 0, 0
    best_weights = copy.deepcopy(module.state_dict())
    progress(stage, 0, recipe.epochs)
    for epoch in range(1, recipe.epochs + 1):
        module.train()
        for batch in torch.split(torch.randperm(len(x)), recipe.batch):
            loss = functional.cross_entropy(module(vary(x[batch])), y[batch], label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(module.parameters(), _CLIP)
            optimizer.step()
            schedule.step()
        valid_loss = _loss(module, x_valid, y_valid)
        if valid_loss < best_loss:
            best_loss, best_epoch, best_weights = valid_loss, epoch, copy.deepcopy(module.state_dict())
        progress(stage, epoch, recipe.epochs)
        if epoch - best_epoch >= recipe.patience:
            break
    if best_epoch == 0:
        raise InputError(
            f"{stage} diverged: no finite loss in any epoch; take smaller steps with --set learning_rate=1e-3"
        )
    progress(stage, recipe.epochs, recipe.epochs)
    module.load_state_dict(best_weights)
    module.eval()
    return epoch, best_epoch


def _varying(module: torch.nn.Module, dataset: Dataset, recipe: Recipe) -> Callable[[torch.Tensor], torch.Tensor]:
    """Ready the module's entry for the data; gives what varies a batch of it."""
    entry = module.normalise
    if isinstance(entry, Embed):
        assert dataset.vocab is not None
        hidden = dataset.vocab.index(UNKNOWN)
        return lambda x: x.masked_fill(torch.rand(x.shape) < recipe.noise, hidden)
    assert isinstance(entry, Normalise)
    entry.fit(dataset.x_train)
    return lambda x: _varied(x, entry, recipe)


def _varied(x: torch.Tensor, normalise: Normalise, recipe: Recipe) -> torch.Tensor:
    """Raw ``x`` [batch, length, features] with the recipe's noise and drift."""
    batch, _, features = x.shape
    gain = 1.0 + recipe.drift * torch.randn(batch, 1, 1)
    offset = recipe.drift * torch.randn(batch, 1, features)
    wobble = offset + recipe.noise * torch.randn_like(x)
    return (x - normalise.mean) * gain + normalise.mean + normalise.std * wobble


def _optimizer(
    module: torch.nn.Module, recipe: Recipe, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    """AdamW that decays matrices only, with its schedule over ``steps`` updates."""
    matrices = [weights for weights in module.parameters() if weights.ndim > 1]
    others = [weights for weights in module.parameters() if weights.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=recipe.learning_rate,
    )
    warm = max(1, round(_WARM_UP * steps))

    def share(step: int) -> float:
        falling = max(0, step - warm) / max(1, steps - warm)
        return min((step + 1) / warm, 0.5 * (1.0 + math.cos(math.pi * min(1.0, falling))))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def _loss(module: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Mean cross-entropy in eval mode, in pieces of 256 samples."""
    module.eval()
    total = 0.0
    with torch.no_grad():
        for piece, labels in zip(torch.split(x, 256), torch.split(y, 256), strict=True):
            total += functional.cross_entropy(module(piece), labels, reduction="sum").item()
    return total / len(x)
