"""``edgekit profile``: measure a bundle on a device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.commands import options
from edgekit_targets.errors import Undecided

if TYPE_CHECKING:
    from edgekit_targets.progress import Progress
    from edgekit_targets.types.profile import Profile

NAME = "profile"
EXAMPLE = "edgekit profile bundle --target cpu,openvino --threads 1,2"


def run(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", help="A folder made by edgekit export or compare, or one .onnx file.")
    ],
    target: options.Targets = None,
    device: options.Device = None,
    threads: options.Threads = None,
    batch: Annotated[
        str, typer.Option("--batch", metavar="N,...", help="Sequences per inference, each measured.")
    ] = "1",
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
    fixed_shapes: Annotated[
        bool,
        typer.Option("--fixed-shapes/--free-shapes", help="Load each model for the measured shape alone, or for any."),
    ] = True,
    cuda_graph: Annotated[
        bool, typer.Option("--cuda-graph", help="Record a run once and replay it; on cuda, without If and Loop.")
    ] = False,
    soak: Annotated[
        str | None,
        typer.Option("--soak", metavar="T", help="Then hold the pace so long (30m), one candidate after the other."),
    ] = None,
    enforce: Annotated[
        str | None,
        typer.Option(
            "--enforce",
            metavar="LIMIT",
            help="Also run each inside this memory: 128MiB, or a budget with memory or process_memory.",
        ),
    ] = None,
    shape: options.Shapes = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what was measured already.")] = False,
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="B", help="Measure until this budget's limits are decided, no longer."),
    ] = None,
    prefer: options.Prefer = None,
    exhaustive: options.Exhaustive = False,
    json: options.Json = False,
) -> int:
    """Measure latency, memory and CPU time of every artifact of a bundle, with intervals, in fresh processes.

    With --budget a candidate is measured until every limit is decided or it cannot win any more; exit 4 if none is
    sure to fit and more measuring would tell. Several devices are measured at the same time, each by itself.
    """
    from edgekit.api.profile import profile, still_open
    from edgekit.commands.fleet import end
    from edgekit.decision.prefer import DEFAULT as PREFERENCE
    from edgekit.devices.several import on_each
    from edgekit.profiling.latency import paced_warnings
    from edgekit.project.defaults import fill
    from edgekit.project.load import load_project
    from edgekit.terminal.output import remark
    from edgekit.terminal.progress import Bar

    chosen = fill(load_project(), remark, device=device, target=target, threads=threads, prefer=prefer)
    devices = options.names(chosen["device"]) or ["local"]

    def work(name: str, progress: Progress) -> Profile:
        return profile(
            bundle,
            targets=options.names(chosen["target"]),
            device=name,
            threads=options.whole_numbers(chosen["threads"], "--threads") or [1],
            batches=options.whole_numbers(batch, "--batch") or [1],
            lengths=options.whole_numbers(length, "--length"),
            every=every,
            spinning=spinning,
            arena=arena,
            fixed_shapes=fixed_shapes,
            cuda_graph=cuda_graph,
            soak=soak,
            enforce=enforce,
            shapes=options.shapes(shape),
            fresh=fresh,
            budget=budget,
            prefer=PREFERENCE if chosen["prefer"] is None else options.names(chosen["prefer"]),
            exhaustive=exhaustive,
            progress=progress,
            say=remark,
        )

    with Bar() as bar:
        outcomes = on_each(list(dict.fromkeys(devices)), work, bar)
    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    for found in results:
        where = f" of {found.device.name}" if len(outcomes) > 1 else ""
        for one in found.measurements:
            if not one.valid:
                remark(f"{one.artifact} on {one.target}{where} is invalid: {one.warnings[0]}")
            for line in paced_warnings(one.paced, one.every_seconds):
                remark(f"{one.artifact} on {one.target}{where}: {line}")
    code = end(outcomes, _told, json=json)
    if budget is None or code:
        return code
    undecided = [line for found in results for line in still_open(bundle, budget, found)]
    for line in undecided:
        remark(line)
    return Undecided.exit_code if undecided else 0


def _told(device: str, found: Profile) -> None:
    from edgekit.decision.words import (
        comparison_text,
        covers_text,
        crossover_text,
        energy_text,
        enforced_text,
        soak_text,
    )
    from edgekit.profiling.slowed import slowed_warnings
    from edgekit.terminal.output import print_line, print_table, print_text
    from edgekit.terminal.tables import profile_table

    print_table(profile_table(found))
    samples = [one.latency.samples if one.latency else 0 for one in found.measurements]
    print_line(f"samples: {min(samples, default=0)} to {max(samples, default=0)} for each candidate")
    print_text(covers_text(found.measurements))
    slowed = max((one.slowed for one in found.measurements if one.slowed), key=lambda one: one.share, default=None)
    for line in slowed_warnings(slowed):
        print_text(line)
    unbounded = [one for one in found.measurements if one.latency is not None and one.latency.p99_high_seconds is None]
    if unbounded:
        print_text(
            f"p99 has no upper end (–) for {len(unbounded)} of {len(found.measurements)} candidates: so many samples "
            "do not bound it on a machine as restless as this; with --budget B measuring goes on until B is decided"
        )
    for comparison in found.comparisons:
        print_text(comparison_text(comparison))
    for crossover in found.crossovers:
        print_text(crossover_text(crossover))
    for one in found.measurements:
        if one.soak is not None:
            print_text(soak_text(one))
        if one.energy is not None:
            print_text(energy_text(one))
        if one.enforced is not None:
            print_text(enforced_text(one))
    print_line(f"measured on: {found.device.name} ({found.device.hardware})")
