"""Training one model of a round, and choosing its step size: the same number of trials for every family.

Whatever chooses looks at the validation part; the test part is only told. Weights are kept in the user's cache, what a
model answered in the run's own journal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgekit.rounds.context import Context
from edgekit.statistics.proportions import Estimate
from edgekit.statistics.seeds import Answers, share_over_seeds
from edgekit_targets.errors import InputError
from edgekit_targets.progress import silent

if TYPE_CHECKING:
    from edgekit_export.data.contract import Dataset
    from edgekit_export.prepare import Prepared

PRESET = "iot"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What training one model gave. ``valid`` and ``test`` are the samples answered right, as packed bits in hex.

    ``seconds`` is the wall time of training, ``cpu_seconds`` its processor time, null for weights that an older edgekit
    trained. ``valid_loss`` is the mean cross-entropy on the validation part; null for a model that diverged.
    """

    parameters: int
    seconds: float
    cpu_seconds: float | None
    epochs: int
    valid_loss: float | None
    valid: str
    valid_samples: int
    test: str
    test_samples: int

    @property
    def right_valid(self) -> NDArray[np.bool_]:
        """Which validation samples were answered right, ``[samples]``."""
        return _unpack(self.valid, self.valid_samples)

    @property
    def right_test(self) -> NDArray[np.bool_]:
        """Which test samples were answered right, ``[samples]``."""
        return _unpack(self.test, self.test_samples)


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One training: ``family`` on ``dataset`` with ``settings`` (as ``--set`` takes them, over preset ``iot``).

    ``seed`` is that of the weights and of training.
    """

    family: str
    dataset: Dataset
    settings: Mapping[str, str]
    seed: int

    @property
    def key(self) -> dict[str, Any]:
        """Everything that its outcome depends on; of the data its content, not its name."""
        about = own(self.settings, self.family)
        return {"train": self.family, "data": self.dataset.sha256, "settings": about, "seed": self.seed}


def train_all(context: Context, jobs: Sequence[Job], stage: str) -> None:
    """Do what of ``jobs`` was not done yet, several at a time; :func:`train` then finds each of them done.

    Raises:
        InputError: a setting that does not exist.
    """
    wanted = {repr(job.key): job for job in jobs}
    missing = [job for job in wanted.values() if not context.work.has(job.key)]
    trained = context.trainers.run(do, missing)
    there = len(wanted) - len(missing)
    context.progress(stage, there, len(wanted))
    for done, job in enumerate(missing, there + 1):
        context.work.once(job.key, Trained, lambda: next(trained))
        context.progress(stage, done, len(wanted))


def train(context: Context, job: Job) -> Trained:
    """Train one model, or take it from an earlier run.

    Raises:
        InputError: a setting that does not exist.
    """
    return context.work.once(job.key, Trained, lambda: do(job))


def do(job: Job) -> Trained:
    """Train one model here; its weights go to the user's cache, or come from there."""
    return _trained(prepare(job.family, job.dataset, own(job.settings, job.family), job.seed), job.dataset)


def prepare(family: str, dataset: Dataset, settings: Mapping[str, str], seed: int) -> Prepared:
    """The trained module itself, from the cache where it was trained before.

    Raises:
        InputError: a setting that does not exist, or training that diverged.
    """
    from edgekit_export.prepare import prepare

    return prepare(
        family, preset=PRESET, settings=settings, dataset=dataset, checkpoint=None, seed=seed, progress=silent
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Repeated:
    """The same model trained once a seed."""

    trained: Sequence[Trained]

    @property
    def right(self) -> Answers:
        """On the test samples, ``[seeds, samples]``."""
        return answers(self.trained)

    @property
    def accuracy(self) -> Estimate:
        """On the test samples, with its interval over seeds and samples."""
        return share_over_seeds(self.right)


def answers(trained: Sequence[Trained]) -> Answers:
    """Which test samples each seed's model answered right, ``[seeds, samples]``."""
    return np.stack([one.right_test for one in trained]).astype(np.float64)


def validation(trained: Sequence[Trained]) -> float:
    """The mean validation accuracy over seeds: what a choice may look at."""
    return float(np.mean([one.right_valid.mean() for one in trained]))


def training_seconds(trained: Sequence[Trained]) -> float | None:
    """The mean CPU time to train one: several are trained at a time, so the wall tells little. None if not all told."""
    known = [one.cpu_seconds for one in trained if one.cpu_seconds is not None]
    return float(np.mean(known)) if len(known) == len(trained) else None


def own(settings: Mapping[str, str], family: str) -> dict[str, str]:
    """What of ``settings`` is about ``family``: another's must not make its training another piece of work."""
    return {key: value for key, value in sorted(settings.items()) if "." not in key or key.startswith(f"{family}.")}


def trials(context: Context, family: str, dataset: Dataset, settings: Mapping[str, str]) -> list[Job]:
    """What tuning tries: every step size, as often for one family as for another, with seed 0."""
    return [
        Job(family=family, dataset=dataset, settings={**settings, f"{family}.learning_rate": repr(rate)}, seed=0)
        for rate in context.effort.learning_rates
    ]


def tune(context: Context, family: str, dataset: Dataset, settings: Mapping[str, str]) -> dict[str, str]:
    """``settings`` with the step size that gave the best validation loss of all that are tried.

    Raises:
        InputError: every trial diverged.
    """
    best: tuple[float, dict[str, str]] | None = None
    for job in trials(context, family, dataset, settings):
        loss = train(context, job).valid_loss
        if loss is not None and (best is None or loss < best[0]):
            best = (loss, dict(job.settings))
    if best is None:
        raise InputError(f"--data {dataset.name}: training {family} diverged at every step size; look at its values")
    return best[1]


def _trained(prepared: Prepared, dataset: Dataset) -> Trained:
    from edgekit_export.verify.accuracy import answered_right
    from edgekit_export.verify.reference import reference_outputs

    valid = reference_outputs(prepared.module, dataset.x_valid)
    test = reference_outputs(prepared.module, dataset.x_test)
    training = prepared.training
    assert training is not None  # there is data
    return Trained(
        parameters=prepared.parameters,
        seconds=training.seconds,
        cpu_seconds=training.cpu_seconds,
        epochs=training.epochs,
        valid_loss=cross_entropy(valid, dataset.y_valid),
        valid=_pack(answered_right(valid, dataset.y_valid)),
        valid_samples=len(valid),
        test=_pack(answered_right(test, dataset.y_test)),
        test_samples=len(test),
    )


def cross_entropy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float | None:
    """The mean over ``logits`` ``[samples, classes]``; None where one is not finite."""
    from scipy.special import log_softmax

    if not np.isfinite(logits).all():
        return None
    found = log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels]
    return -float(found.mean())


def _pack(right: NDArray[np.bool_]) -> str:
    return np.packbits(right).tobytes().hex()


def _unpack(packed: str, samples: int) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(bytes.fromhex(packed), dtype=np.uint8), count=samples).astype(bool)
