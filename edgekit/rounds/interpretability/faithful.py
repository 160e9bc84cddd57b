"""What a round asks of one bundle: the curves of every method in both families, kept so that a run can go on."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from edgekit.rounds.context import Context
from edgekit.rounds.contract import LSTM, TRANSFORMER, Family
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.bundle import read_manifest
from edgekit_targets.errors import InputError
from edgekit_targets.files import write_atomic
from edgekit_targets.types.manifest import Artifact, Manifest

if TYPE_CHECKING:
    from edgekit.explaining.contract import Method
    from edgekit.explaining.faithfulness import Measured

FOLDER: Final = "explained"
FAMILIES: Final[tuple[Family, ...]] = (LSTM, TRANSFORMER)
SPLITS: Final = ("validation", "test")
Explained = Mapping[tuple[str, "Method"], "Measured"]
"""Of one model: by split (``validation``, ``test``) and method."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """Explaining ``most`` samples of each split by the window file of ``family``, to be kept at ``path``."""

    bundle: Path
    family: Family
    most: int
    path: Path


def explained(context: Context, bundles: Sequence[Path], stage: str) -> dict[tuple[Path, Family], Explained]:
    """The curves of every method that the window files of these bundles can give, for each bundle and family.

    Several are made at a time; ``stage`` is what whoever waits is told.

    Raises:
        InputError: a bundle's data is gone, or what an earlier run kept is damaged.
    """
    most = context.effort.explained_samples
    jobs = []
    for bundle in bundles:
        manifest = read_manifest(bundle)
        for family in FAMILIES:
            name = f"{bundle.name}-{family}-{_artifact(manifest, family).sha256[:16]}-{most}.npz"
            jobs.append(_Job(bundle=bundle, family=family, most=most, path=context.out / FOLDER / name))
    missing = [job for job in jobs if not job.path.is_file()]
    there = len(jobs) - len(missing)
    context.progress(stage, there, len(jobs))
    for done, _ in enumerate(context.trainers.run(_keep, missing), there + 1):
        context.progress(stage, done, len(jobs))
    return {(job.bundle, job.family): _read(job.path) for job in jobs}


def _keep(job: _Job) -> None:
    manifest = read_manifest(job.bundle)
    content = io.BytesIO()
    np.savez(content, **_measure(job.bundle, manifest, _artifact(manifest, job.family), job.most))  # type: ignore[arg-type]
    write_atomic(job.path, content.getvalue())


def _artifact(manifest: Manifest, family: Family) -> Artifact:
    variant = "attention" if family == TRANSFORMER else "plain"
    return next(
        one
        for one in manifest.artifacts
        if (one.family, one.mode, one.precision, one.variant) == (family, "window", "fp32", variant)
    )


def _measure(bundle: Path, manifest: Manifest, artifact: Artifact, most: int) -> dict[str, np.ndarray]:
    from edgekit.explaining.explain import evenly, methods_of, opened
    from edgekit.explaining.faithfulness import measure
    from edgekit.explaining.samples import samples_of

    samples = samples_of(bundle, manifest, artifact)
    methods = methods_of(artifact)
    arrays = {}
    with LocalAgent() as agent, opened(bundle, manifest, artifact, samples.x.shape[1], agent, methods) as models:
        for split, x in zip(SPLITS, (samples.validation, samples.x), strict=True):
            for method, found in measure(*models, evenly(x, most), samples.blank, methods).items():
                for name in ("attribution", "deletion", "insertion"):
                    arrays[f"{split}.{method}.{name}"] = getattr(found, name)
    return arrays


def _read(path: Path) -> Explained:
    from edgekit.explaining.contract import METHODS
    from edgekit.explaining.faithfulness import Measured

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {
                (split, method): Measured(
                    attribution=arrays[f"{split}.{method}.attribution"],
                    deletion=arrays[f"{split}.{method}.deletion"],
                    insertion=arrays[f"{split}.{method}.insertion"],
                )
                for split in SPLITS
                for method in METHODS
                if f"{split}.{method}.attribution" in arrays.files
            }
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is damaged; remove it and run the rounds again") from error
