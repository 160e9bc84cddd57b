"""From the name of a family to a module with weights: trained, loaded, or random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edgekit_export import presets
from edgekit_export import settings as overrides
from edgekit_export.data.contract import Dataset
from edgekit_export.families import find
from edgekit_export.families.contract import ModelSpec
from edgekit_targets.extras import require
from edgekit_targets.progress import Progress
from edgekit_targets.types.manifest import Training, Weights

if TYPE_CHECKING:
    import torch


EMBEDDING: Final = 32
"""The width in which token ids are embedded, whatever the family and preset."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A module in eval mode that maps raw float32 [batch, length, features], or token ids, to logits [batch, classes].

    A user's module maps what it maps, and its ``spec`` holds only the ``length`` of its example. ``weights`` is
    "random" only where there was neither data nor a checkpoint, "imported" where a user's module brought its own.
    ``training`` is None unless edgekit trained them. ``parameters`` counts trained numbers, not the two of
    normalisation per feature.
    """

    module: torch.nn.Module
    family: str
    spec: ModelSpec
    weights: Weights
    training: Training | None
    parameters: int


def prepare(
    family: str,
    *,
    preset: str,
    settings: Mapping[str, str],
    dataset: Dataset | None,
    checkpoint: Path | None,
    seed: int,
    progress: Progress,
) -> Prepared:
    """Build ``family`` and give it weights: from ``checkpoint``, else trained on ``dataset``, else random.

    Trained weights are kept in the user's cache and reused when nothing they depend on changed. The same arguments
    give the same bytes, in any process on the same machine and torch.

    Args:
        family: ``lstm``, ``transformer``, ``linear`` or ``conv``.
        preset: where the sizes come from.
        settings: what ``--set`` changes, unparsed, for all families.
        dataset: decides features, classes and length; without it the preset does.
        checkpoint: weights of the user's.
        seed: of the random weights and of training.
        progress: called once an epoch with the stage ``train <family>``; not at all when nothing is trained.

    Raises:
        InputError: unknown family, preset or setting; a checkpoint that does not fit; training that diverged.
        MissingExtra: torch or safetensors is not installed.
    """
    found, sizes = find(family), presets.find(preset)
    chosen, recipe = overrides.resolve(found, sizes, settings)
    vocab = None if dataset is None or dataset.vocab is None else len(dataset.vocab)
    spec = ModelSpec(
        features=EMBEDDING if vocab is not None else dataset.features if dataset else sizes.features,
        classes=len(dataset.classes) if dataset else sizes.classes,
        length=dataset.length if dataset else sizes.length,
        settings=chosen,
        vocab=vocab,
    )
    require("torch")
    from edgekit_export.training import checkpoint as cache
    from edgekit_export.training.deterministic import deterministic
    from edgekit_export.training.fit import fit
    from edgekit_export.training.load import load_checkpoint

    training: Training | None = None
    with deterministic(seed):
        module = found.build(spec)
    if checkpoint is not None:
        load_checkpoint(checkpoint, module, family)
    elif dataset is not None:
        key = cache.Key(family=family, spec=spec, recipe=recipe, data_sha256=dataset.sha256, seed=seed)
        training = cache.reuse(key, module)
        if training is None:
            fitted = fit(module, dataset, recipe, seed=seed, stage=f"train {family}", progress=progress)
            training = cache.keep(key, module, fitted)
    return Prepared(
        module=module.eval(),
        family=family,
        spec=spec,
        weights="random" if dataset is None and checkpoint is None else "trained",
        training=training,
        parameters=sum(weights.numel() for weights in module.parameters()),
    )
