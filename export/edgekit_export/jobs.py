"""What all artifacts of one module in one mode share.

Imported lazily: it needs torch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from edgekit_export.prepare import Prepared
from edgekit_export.quantize.contract import Precision
from edgekit_export.verify.accuracy import answered_right
from edgekit_export.verify.reference import reference_outputs
from edgekit_targets.agent.contract import Agent
from edgekit_targets.types.manifest import Mode

if TYPE_CHECKING:
    from edgekit_export.data.contract import Dataset, Sequences

Floats = NDArray[np.float32]
VARIANT: Final = "plain"
_RANDOM_SAMPLES = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One module to be written in one mode.

    ``dataset`` gives held-out inputs and the accuracy; without it inputs are random, drawn with ``seed``. ``isa`` is
    what integer files may assume of the processor. ``agent`` runs what was written on ``target``, in processes of its
    own; the steps of a stream are checked on ``other_targets`` too. ``bundle`` is a folder under construction,
    ``scratch`` one for arrays on their way. ``accuracy_drop`` is what a quantized artifact may lose against fp32, as a
    share.
    """

    prepared: Prepared
    mode: Mode
    precisions: Sequence[Precision]
    isa: str
    dataset: Dataset | None
    seed: int
    agent: Agent
    target: str
    other_targets: Sequence[str]
    bundle: Path
    scratch: Path
    accuracy_drop: float


def held_out(job: Job) -> Sequences:
    """Inputs that training never saw, ``[samples, length, features]`` or token ids; random ones without data."""
    if job.dataset is not None:
        return job.dataset.x_test
    spec = job.prepared.spec
    shape = (_RANDOM_SAMPLES, spec.length, spec.features)
    return np.random.default_rng(job.seed).standard_normal(shape).astype(np.float32)


def reference_right(job: Job) -> NDArray[np.bool_] | None:
    """Which validation samples PyTorch answers right ``[samples]``; None without data."""
    if job.dataset is None:
        return None
    return answered_right(reference_outputs(job.prepared.module, job.dataset.x_valid), job.dataset.y_valid)


def metadata_of(job: Job, precision: Precision, isa: str) -> dict[str, str]:
    """What the file says about itself."""
    window = job.prepared.spec.settings.get("window")
    vocab = job.dataset.vocab if job.dataset is not None else None
    return {
        "family": job.prepared.family,
        "mode": job.mode,
        "precision": precision.name,
        "isa": isa,
        "variant": VARIANT,
        "weights": job.prepared.weights,
        "labels": json.dumps(list(job.dataset.classes) if job.dataset is not None else []),
        **({} if window is None else {"window": str(window)}),
        **({} if vocab is None else {"vocab": json.dumps(list(vocab), ensure_ascii=False)}),
    }
