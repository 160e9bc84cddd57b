"""``edgekit profile``: measure a bundle on a device."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from edgekit.commands import options
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.progress import Progress

NAME = "profile"
EXAMPLE = "edgekit profile bundle --target cpu,openvino --threads 1,2"


def run(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", help="A folder made by edgekit export or compare, or one .onnx file.")
    ],
    target: options.Targets = None,
    device: options.Device = "local",
    threads: options.Threads = "1",
    batch: Annotated[int, typer.Option("--batch", min=1, help="Sequences per inference.")] = 1,
    length: Annotated[
        str | None, typer.Option("--length", metavar="N,...", help="Steps per sequence; by default the data's own.")
    ] = None,
    every: options.Every = None,
    spinning: Annotated[
        bool, typer.Option("--spinning", help="Let ONNX Runtime's threads spin between inferences (2 threads or more).")
    ] = False,
    arena: Annotated[
        bool, typer.Option("--arena/--no-arena", help="Let ONNX Runtime keep freed memory for the next inference.")
    ] = True,
    soak: Annotated[
        str | None,
        typer.Option("--soak", metavar="T", help="Then hold the pace so long (30m), one candidate after the other."),
    ] = None,
    shape: options.Shapes = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what was measured already.")] = False,
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="B", help="Measure until this budget's limits are decided, no longer."),
    ] = None,
    prefer: options.Prefer = "accuracy,cpu,memory,size",
    exhaustive: options.Exhaustive = False,
    json: options.Json = False,
) -> int:
    """Measure latency, memory and CPU time of every artifact of a bundle, with intervals, in fresh processes.

    With --budget a candidate is measured until every limit is decided or it cannot win any more; exit 4 if none is
    sure to fit and more measuring would tell.
    """
    from edgekit.budget.load import load_budget
    from edgekit.decision.more import undecided_lines
    from edgekit.decision.prefer import parse_preference
    from edgekit.decision.race import Race
    from edgekit.decision.words import comparison_text, covers_text, crossover_text, soak_text
    from edgekit.devices.connect import connect
    from edgekit.profiling.pace import parse_pace, parse_soak
    from edgekit.profiling.plan import until_decided
    from edgekit.profiling.run import profile
    from edgekit.terminal.output import print_json, print_line, print_table, print_text, remark
    from edgekit.terminal.progress import Bar
    from edgekit.terminal.tables import profile_table
    from edgekit_targets.bundle import read_manifest

    shapes = options.shapes(shape)
    limits = None if budget is None else load_budget(budget)
    race = None if limits is None or exhaustive else Race(limits.limits, parse_preference(prefer))
    pace = parse_pace(every)
    soak_seconds = parse_soak(soak)
    with connect(device) as agent, Bar() as bar, _folder(bundle, shapes, bar) as folder:
        found = profile(
            folder,
            agent,
            targets=options.names(target),
            threads=options.whole_numbers(threads, "--threads") or [1],
            batch=batch,
            lengths=options.whole_numbers(length, "--length"),
            pace=pace,
            spinning=spinning,
            arena=arena,
            soak_seconds=soak_seconds,
            fresh=fresh,
            plan=None if limits is None else until_decided(),
            race=race,
            tell=remark,
            progress=bar,
        )
        undecided = [] if limits is None else undecided_lines(read_manifest(folder), found.measurements, limits)
    for one in found.measurements:
        if not one.valid:
            remark(f"{one.artifact} on {one.target} is invalid: {one.warnings[0]}")
    if json:
        print_json(found)
    else:
        print_table(profile_table(found))
        samples = [one.latency.samples if one.latency else 0 for one in found.measurements]
        print_line(f"samples: {min(samples, default=0)} to {max(samples, default=0)} for each candidate")
        print_text(covers_text(found.measurements))
        for comparison in found.comparisons:
            print_text(comparison_text(comparison))
        for crossover in found.crossovers:
            print_text(crossover_text(crossover))
        for one in found.measurements:
            if one.soak is not None:
                print_text(soak_text(one))
        print_line(f"measured on: {found.device.name} ({found.device.cpu or found.device.architecture})")
    for line in undecided:
        remark(line)
    return Undecided.exit_code if undecided else 0


@contextlib.contextmanager
def _folder(bundle: Path, shapes: Mapping[str, tuple[int, ...]], progress: Progress) -> Iterator[Path]:
    """The bundle itself; for an ``.onnx`` file one that lasts as long as the command: there is nowhere to keep it.

    Raises:
        InputError: the file is no ONNX, or shapes are given for a bundle, whose artifacts have theirs.
    """
    if bundle.suffix != ".onnx" or bundle.is_dir():
        if shapes:
            raise InputError(f"--shape is for .onnx files; {bundle} is a bundle, use --length or --batch")
        yield bundle
        return
    with tempfile.TemporaryDirectory(prefix="edgekit-") as scratch:
        from edgekit.terminal.output import remark
        from edgekit_export.exporting import ExportRequest, export

        folder = Path(scratch) / "bundle"
        manifest = export(ExportRequest(models=(str(bundle),), out=folder, shapes=shapes), progress)
        for note in dict.fromkeys(note for artifact in manifest.artifacts for note in artifact.notes):
            remark(note)
        remark(f"nothing is kept; to keep the evidence: edgekit export {bundle} --out DIR, then edgekit profile DIR")
        yield folder
