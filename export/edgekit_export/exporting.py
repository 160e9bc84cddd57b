"""``edgekit export``: from models to a bundle of verified artifacts.

Everything that can be refused is refused before anything is trained; the bundle gets its name only once it is whole.
Neither torch nor onnx is imported for a request that names ``.onnx`` files only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit_export import imported, presets
from edgekit_export import settings as overrides
from edgekit_export.callables import looks_like_callable
from edgekit_export.data import load
from edgekit_export.data.contract import Dataset
from edgekit_export.families import FAMILIES, find
from edgekit_export.manifests import new_manifest
from edgekit_export.quantize import find as find_precision
from edgekit_export.quantize.contract import ISAS, PORTABLE
from edgekit_export.verify import keep
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.contract import Agent
from edgekit_targets.bundle import MANIFEST, write_manifest
from edgekit_targets.errors import CheckFailed, InputError, MissingExtra
from edgekit_targets.files import check_free, staged_folder
from edgekit_targets.progress import Progress
from edgekit_targets.runtimes.packages import present
from edgekit_targets.types.manifest import MODES, REFERENCE_PAIR, Artifact, Manifest, Mode, Precision

if TYPE_CHECKING:
    from edgekit_export.artifacts import Written
    from edgekit_export.jobs import Job
    from edgekit_export.prepare import Prepared
    from edgekit_export.quantize.contract import Precision as Converter
    from edgekit_export.users.write import UserJob

    MakeJob = Callable[[Prepared, Mode, Dataset | None], Job]


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What to export. ``models`` are families, callables, ``.pt2`` or ``.onnx`` files; none means the reference pair.

    ``modes`` None means window, for a file with states stream. ``set_inputs`` and ``states`` are ``--set-input`` and
    ``--state`` pairs for the ``.onnx`` files, ``shapes`` are ``--shape`` values for the user's models by input name.
    ``data`` is what ``--data`` names, ``settings`` the unparsed ``--set`` values, ``baselines`` adds the simple
    models, ``attention`` adds an artifact with the attention weights of the Transformer. ``accuracy_drop`` is what a
    quantized artifact may lose on validation samples against fp32, as a share in (0, 1].
    """

    models: tuple[str, ...]
    out: Path
    data: str | None = None
    preset: str = presets.DEFAULT
    settings: Mapping[str, str] = field(default_factory=dict)
    precisions: tuple[Precision, ...] = ("fp32", "int8-dynamic")
    modes: tuple[Mode, ...] | None = None
    isa: str = PORTABLE
    checkpoint: Path | None = None
    seed: int = 0
    force: bool = False
    baselines: bool = False
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    set_inputs: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    attention: bool = False
    accuracy_drop: float = keep.LIMIT


def export(request: ExportRequest, progress: Progress) -> Manifest:
    """Make a bundle at ``request.out``.

    Raises:
        InputError: anything in the request that cannot be done; nothing is left behind.
        MissingExtra: a package that the request needs.
        CheckFailed: an fp32 artifact does not answer as PyTorch does, or no artifact could be written.
    """
    families, users, files = check(request)
    if not families and not users:
        return imported.take_in(files, request.out, _taking(request), force=request.force, progress=progress)
    modules = _prepare_users(request, users, families)
    inputs = [name for module in modules for name in module.model.inputs]
    incoming = imported.look_at(files, _taking(request), inputs, [*families, *(each.model.family for each in modules)])
    dataset = load(request.data, request.seed) if request.data is not None else None
    with (
        staged_folder(request.out, force=request.force, marker=MANIFEST) as bundle,
        tempfile.TemporaryDirectory(prefix="edgekit-") as scratch,
        LocalAgent() as agent,
    ):
        target, *others = imported.usable_targets(agent.hello())
        make = _jobs(request, agent, target, others, bundle, Path(scratch))
        artifacts, dropped = _from_families(request, families, dataset, make, progress)
        for module in modules:
            written = _from_user(request, module, dataset, make, progress)
            artifacts += written.artifacts
            dropped += written.dropped
        taken, left = imported.write_all(
            incoming,
            _taking(request),
            agent=agent,
            target=target,
            bundle=bundle,
            scratch=Path(scratch),
            progress=progress,
        )
        artifacts += taken
        dropped += left
        if not artifacts:
            raise CheckFailed(f"no artifact could be written: {'; '.join(dropped)}")
        manifest = new_manifest(
            artifacts=artifacts,
            dropped=dropped,
            data=dataset.describe() if dataset is not None else None,
            settings=_settings(request),
        )
        write_manifest(bundle, manifest)
    return manifest


def check(request: ExportRequest) -> tuple[list[str], list[str], list[Path]]:
    """Refuse what cannot be done, before the data is read or anything trained.

    Returns:
        The families, the callables and archives, and the ``.onnx`` files that the request names.

    Raises:
        InputError: as :func:`export`.
        MissingExtra: a package that the request needs.
    """
    families, users, files = _models(request)
    _check_settings(request, families, users)
    check_free(request.out, force=request.force, marker=MANIFEST)
    return families, users, files


def _models(request: ExportRequest) -> tuple[list[str], list[str], list[Path]]:
    """What a request names, by kind, each once, in the order given."""
    families: list[str] = []
    users: list[str] = []
    files: list[Path] = []
    for model in dict.fromkeys(request.models or REFERENCE_PAIR):
        if model.endswith(".onnx"):
            files.append(Path(model))
        elif model.endswith(".pt2") or looks_like_callable(model):
            users.append(model)
        else:
            families.append(find(model).name)
    if request.baselines:
        families += [family.name for family in FAMILIES if family.baseline and family.name not in families]
    return families, users, files


def _check_settings(request: ExportRequest, families: list[str], users: list[str]) -> None:
    for precision in request.precisions:
        find_precision(precision)
    if not request.precisions:
        raise InputError("--precision is empty; name at least one, for example --precision fp32")
    for mode in ("window",) if request.modes is None else request.modes or ("",):
        if mode not in MODES:
            raise InputError(f"--mode {mode} is not known; choose among {', '.join(MODES)}")
    if request.isa not in ISAS:
        raise InputError(f"isa {request.isa} is not known; choose among {', '.join(ISAS)}")
    if not 0 < request.accuracy_drop <= 1:
        raise InputError(f"--accuracy-drop {request.accuracy_drop} is no share above 0 and up to 1; write e.g. 1%")
    overrides.check(presets.find(request.preset), request.settings)
    if request.checkpoint is not None:
        if not request.checkpoint.is_file():
            raise InputError(f"--checkpoint {request.checkpoint} is not a file; pass the .safetensors of one model")
        if len(families) + len(users) != 1:
            raise InputError("--checkpoint holds the weights of one model; name that one model, without baselines")
    if request.attention and (
        "transformer" not in families or "fp32" not in request.precisions or "window" not in _modes(request)
    ):
        raise InputError(
            "--attention is an fp32 window file of the transformer; name that model, with fp32 among --precision "
            "and window among --mode"
        )
    if request.data is not None and not families and not users:
        raise InputError("--data is for PyTorch models, .onnx files are taken in as they are; leave it out")
    if families or users:
        for package in ("torch", "onnx", "onnxscript", "safetensors"):
            if not present(package):
                raise MissingExtra(package, "export")


def _jobs(
    request: ExportRequest, agent: Agent, target: str, other_targets: Sequence[str], bundle: Path, scratch: Path
) -> MakeJob:
    """What all jobs of a request have in common, waiting for a module, a mode and the data that suits it."""

    def make(prepared: Prepared, mode: Mode, dataset: Dataset | None) -> Job:
        from edgekit_export.jobs import Job

        return Job(
            prepared=prepared,
            mode=mode,
            precisions=_precisions(request),
            isa=request.isa,
            dataset=dataset,
            seed=request.seed,
            agent=agent,
            target=target,
            other_targets=other_targets,
            bundle=bundle,
            scratch=scratch,
            accuracy_drop=request.accuracy_drop,
        )

    return make


def _precisions(request: ExportRequest) -> list[Converter]:
    return [find_precision(name) for name in dict.fromkeys(request.precisions)]


def _from_families(
    request: ExportRequest, families: list[str], dataset: Dataset | None, make: MakeJob, progress: Progress
) -> tuple[list[Artifact], list[str]]:
    artifacts: list[Artifact] = []
    dropped: list[str] = []
    from edgekit_export.artifacts import write_artifacts
    from edgekit_export.attention import write_attention
    from edgekit_export.prepare import prepare

    for family in families:
        prepared = prepare(
            family,
            preset=request.preset,
            settings=request.settings,
            dataset=dataset,
            checkpoint=request.checkpoint,
            seed=request.seed,
            progress=progress,
        )
        modes = _modes(request)
        steps = _Steps(progress, f"export {family}", len(modes) * (1 + len(_precisions(request))))
        for mode in modes:
            job = make(prepared, mode, dataset)
            written = write_artifacts(job, steps)
            artifacts += written.artifacts
            dropped += written.dropped
            if request.attention and family == "transformer" and mode == "window":
                plain = next(one for one in written.artifacts if one.precision == "fp32")
                looked = write_attention(job, plain)
                if looked is not None:
                    artifacts.append(looked)
                else:
                    dropped.append(
                        f"{family}-window-fp32-portable-attention: preset {request.preset} has the stock encoder, "
                        "whose attention weights are not given; choose another preset"
                    )
    return artifacts, dropped


def _modes(request: ExportRequest) -> tuple[Mode, ...]:
    """The modes of everything that is made from PyTorch."""
    return tuple(dict.fromkeys(request.modes or ("window",)))


def _taking(request: ExportRequest) -> imported.Taking:
    return imported.Taking(
        shapes=request.shapes,
        constants=request.set_inputs,
        states=request.states,
        modes=request.modes,
        precisions=request.precisions,
        isa=request.isa,
    )


def _prepare_users(request: ExportRequest, users: Sequence[str], taken: Sequence[str]) -> list[UserJob]:
    """Load every module of the user's and find its axes, before anything is trained."""
    if not users:
        return []
    from edgekit_export.users.write import prepare_user

    names = list(taken)
    prepared = []
    for source in users:
        stem = Path(source).stem if source.endswith(".pt2") else source.rpartition(":")[2].rpartition(".")[2]
        names.append(imported.family_name(stem, names))
        prepared.append(
            prepare_user(source, names[-1], shapes=request.shapes, checkpoint=request.checkpoint, seed=request.seed)
        )
    return prepared


def _from_user(
    request: ExportRequest, user: UserJob, dataset: Dataset | None, make: MakeJob, progress: Progress
) -> Written:
    from edgekit_export.users.write import write_user

    precisions, modes = _precisions(request), _modes(request)
    steps = _Steps(progress, f"export {user.model.family}", len(modes) * (1 + len(precisions)))
    return write_user(user, make, modes, precisions, dataset, steps)


class _Steps:
    """Counts the steps of one stage."""

    def __init__(self, progress: Progress, stage: str, total: int) -> None:
        self._progress, self._stage, self._done, self._total = progress, stage, 0, total
        progress(stage, 0, total)

    def __call__(self) -> None:
        self._done += 1
        self._progress(self._stage, self._done, self._total)


def _settings(request: ExportRequest) -> dict[str, Any]:
    return {
        "models": list(request.models or REFERENCE_PAIR),
        "data": request.data,
        "preset": request.preset,
        "set": dict(request.settings),
        "precisions": list(request.precisions),
        "modes": list(_modes(request)),
        "set_inputs": dict(request.set_inputs),
        "states": dict(request.states),
        "isa": request.isa,
        "seed": request.seed,
        "baselines": request.baselines,
        "attention": request.attention,
        "accuracy_drop": request.accuracy_drop,
        "checkpoint": request.checkpoint.name if request.checkpoint is not None else None,
        "shapes": {name: list(shape) for name, shape in request.shapes.items()},
    }
