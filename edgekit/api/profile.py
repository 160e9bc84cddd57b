"""``edgekit.profile``."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit_targets.errors import InputError
from edgekit_targets.progress import Progress, silent

if TYPE_CHECKING:
    from edgekit.budget.budget import Budget
    from edgekit.profiling.plan import Plan
    from edgekit_targets.types.profile import Profile


def profile(
    bundle: str | Path,
    *,
    targets: Sequence[str] = (),
    device: str = "local",
    threads: Sequence[int] = (1,),
    batches: Sequence[int] = (1,),
    lengths: Sequence[int] = (),
    every: str | None = None,
    spinning: bool = False,
    arena: bool = True,
    fixed_shapes: bool = True,
    cuda_graph: bool = False,
    soak: str | None = None,
    enforce: str | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    fresh: bool = False,
    budget: str | Path | Budget | None = None,
    prefer: Sequence[str] = ("accuracy", "cpu", "memory", "size"),
    exhaustive: bool = False,
    plan: Plan | None = None,
    progress: Progress = silent,
    say: Callable[[str], None] | None = None,
) -> Profile:
    """Measure latency, memory and CPU time of every artifact of a bundle, with intervals, in fresh processes.

    Args:
        bundle: a folder made by :func:`edgekit.export`, or one ``.onnx`` file, of which nothing is kept.
        targets: names; by default every one that can run there.
        device: ``local``, or a name from ``edgekit.toml``.
        threads: thread counts of the runtime, each measured.
        batches: sequences per inference, each measured.
        lengths: steps per sequence; by default the data's own.
        every: an input each period (``"20ms"``); ``"none"``: a closed loop. By default streams have 20 ms.
        spinning: let ONNX Runtime's threads spin between inferences.
        arena: let ONNX Runtime keep freed memory for the next inference.
        fixed_shapes: load each model for the shape that is measured.
        cuda_graph: replay the model as one CUDA graph, where it can be.
        soak: then hold the pace so long (``"30m"``), one candidate after the other.
        enforce: run each candidate once more inside this much memory (``"64MiB"``) and say whether it lives.
        shapes: of the inputs of an ``.onnx`` file, by name.
        fresh: measure again what was measured already.
        budget: measure until its limits are decided, no longer.
        prefer: with a budget, what decides among candidates that fit: who cannot win any more is left out.
        exhaustive: with a budget, measure every candidate to the end.
        plan: how much to measure; by default what the budget asks for, else a fixed amount.
        progress: told how far it is.
        say: told in one line each what was assumed about an ``.onnx`` file.

    Returns:
        All measurements that answer the request, the reused ones included; what is new is kept in
        ``bundle/profiles/``.

    Raises:
        InputError: the bundle, a target or a setting is wrong.
        CheckFailed: an artifact is not the file the manifest describes.
    """
    from edgekit.api.notebook import shown
    from edgekit.decision.prefer import parse_preference
    from edgekit.decision.race import Race
    from edgekit.devices.connect import connect
    from edgekit.profiling.enforce import parse_enforce
    from edgekit.profiling.pace import parse_pace, parse_soak
    from edgekit.profiling.plan import until_decided
    from edgekit.profiling.run import profile as profile_bundle
    from edgekit.project.load import load_project
    from edgekit_targets.types.session import SessionOptions

    limits = None if budget is None else as_budget(budget)
    race = (
        None
        if limits is None or exhaustive
        else Race(limits.limits, parse_preference(prefer if isinstance(prefer, str) else ",".join(prefer)))
    )
    if plan is None and limits is not None:
        plan = until_decided()
    pace = parse_pace(every)
    soak_seconds = parse_soak(soak)
    limit = parse_enforce(enforce)
    sizes = {name: tuple(shape) for name, shape in (shapes or {}).items()}
    with connect(device, load_project().devices) as agent, _folder(Path(bundle), sizes, progress, say) as folder:
        found = profile_bundle(
            folder,
            agent,
            targets=targets,
            threads=threads,
            batches=batches,
            lengths=lengths,
            pace=pace,
            settings=SessionOptions(spinning=spinning, arena=arena, fixed_shapes=fixed_shapes, cuda_graph=cuda_graph),
            soak_seconds=soak_seconds,
            enforce=limit,
            fresh=fresh,
            plan=plan,
            race=race,
            tell=say or (lambda line: None),
            progress=progress,
        )
    return shown(found)


def still_open(bundle: str | Path, budget: str | Path | Budget, found: Profile) -> list[str]:
    """Where no candidate of a profile is sure to fit the budget, a line for each that still may, with what it takes."""
    from edgekit.decision.more import undecided_lines
    from edgekit_targets.bundle import read_manifest

    folder = Path(bundle)
    return undecided_lines(read_manifest(folder), found.measurements, as_budget(budget)) if folder.is_dir() else []


def as_budget(budget: str | Path | Budget) -> Budget:
    """A budget as it is, or what a name, a path or limits stand for; names of the project come first.

    Raises:
        InputError: no such budget.
    """
    from edgekit.budget.budget import Budget
    from edgekit.budget.load import load_budget
    from edgekit.project.load import load_project

    return budget if isinstance(budget, Budget) else load_budget(str(budget), load_project().budgets)


@contextlib.contextmanager
def _folder(
    bundle: Path, shapes: Mapping[str, tuple[int, ...]], progress: Progress, say: Callable[[str], None] | None
) -> Iterator[Path]:
    """The bundle itself; for an ``.onnx`` file one that lasts as long as the measuring: there is nowhere to keep it.

    Raises:
        InputError: the file is no ONNX, or shapes are given for a bundle, whose artifacts have theirs.
    """
    if bundle.suffix != ".onnx" or bundle.is_dir():
        if shapes:
            raise InputError(f"--shape is for .onnx files; {bundle} is a bundle, use --length or --batch")
        yield bundle
        return
    with tempfile.TemporaryDirectory(prefix="edgekit-") as scratch:
        from edgekit_export.exporting import ExportRequest, export

        folder = Path(scratch) / "bundle"
        # The file itself is asked about, not what could be made of it.
        request = ExportRequest(models=(str(bundle),), out=folder, shapes=shapes, precisions=("fp32",))
        manifest = export(request, progress)
        keep = f"nothing is kept; to keep the evidence: edgekit export {bundle} --out DIR, then edgekit profile DIR"
        for line in dict.fromkeys([*(note for one in manifest.artifacts for note in one.notes), keep]):
            if say is not None:
                say(line)
        yield folder
