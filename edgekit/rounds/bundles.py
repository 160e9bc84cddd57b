"""The bundles of a run, exported several at a time: most of what an export takes is one core's work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.rounds.context import Context
from edgekit_targets.progress import silent
from edgekit_targets.types.manifest import REFERENCE_PAIR

if TYPE_CHECKING:
    from edgekit_export.exporting import ExportRequest
    from edgekit_targets.types.manifest import Mode, Precision

FOLDER = "bundles"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One bundle: ``name`` is that of its folder, which whatever else is said here belongs to.

    ``models`` are families or callables, ``data`` as ``--data`` names it (without it weights are random), ``settings``
    as ``--set`` takes them, ``seed`` that of weights and split, ``preset`` where sizes come from; ``attention`` adds
    the Transformer's attention artifact.
    """

    name: str
    models: Sequence[str] = REFERENCE_PAIR
    data: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    modes: tuple[Mode, ...] = ("window",)
    precisions: tuple[Precision, ...] = ("fp32",)
    preset: str = "iot"
    attention: bool = False


def slug(name: str) -> str:
    """A set's name as part of a folder's or an anchor's."""
    return "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")


def bundles(context: Context, wanted: Sequence[Wanted], stage: str) -> list[Path]:
    """The folder of each, exported unless it is there already; ``stage`` is what whoever waits is told.

    Weights come from the user's cache where the same family was trained with the same settings, data and seed.

    Raises:
        InputError: as :func:`edgekit_export.exporting.export`.
    """
    from edgekit_export.exporting import ExportRequest
    from edgekit_targets.bundle import MANIFEST

    folders = [context.out / FOLDER / one.name for one in wanted]
    missing = [
        ExportRequest(
            models=tuple(one.models),
            out=folder,
            data=one.data,
            preset=one.preset,
            settings=dict(one.settings),
            precisions=one.precisions,
            modes=one.modes,
            seed=one.seed,
            attention=one.attention,
        )
        for one, folder in zip(wanted, folders, strict=True)
        if not (folder / MANIFEST).is_file()
    ]
    there = len(wanted) - len(missing)
    context.progress(stage, there, len(wanted))
    for done, dropped in enumerate(context.trainers.run(_export, missing), there + 1):
        for line in dropped:
            context.tell(line)
        context.progress(stage, done, len(wanted))
    return folders


def _export(request: ExportRequest) -> tuple[str, ...]:
    """Make one bundle, which is whole or not there; what was left out of it, in words."""
    from edgekit_export.exporting import export

    return export(request, silent).dropped
