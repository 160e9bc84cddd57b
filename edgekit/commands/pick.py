"""``edgekit pick``: the verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.commands import options

NAME = "pick"
EXAMPLE = 'edgekit pick bundle --budget "p99=20ms, memory=64MiB, accuracy=0.9"'


def run(
    bundle: options.Bundle,
    budget: options.Budget = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="NAME", help="Judge what was measured on this machine.")
    ] = None,
    prefer: options.Prefer = "accuracy,cpu,memory,size",
    batch: Annotated[int, typer.Option("--batch", min=1, help="Judge at this many sequences per inference.")] = 1,
    length: Annotated[
        int | None, typer.Option("--length", min=1, help="Judge at this many steps; by default the data's own.")
    ] = None,
    mode: Annotated[
        str | None, typer.Option("--mode", metavar="M", help="Judge window or stream alone; by default both.")
    ] = None,
    every: options.Every = None,
    soaked: Annotated[bool, typer.Option("--soaked", help="Judge the latency at the end of a soak.")] = False,
    json: options.Json = False,
) -> int:
    """Choose the artifact that fits a budget; exit 0 if one does, 3 if none, 4 if more measuring would tell."""
    from edgekit.budget.load import DEFAULT, load_budget
    from edgekit.commands.verdicts import EXIT_CODES, print_verdict
    from edgekit.decision.pick import pick
    from edgekit.decision.prefer import parse_preference
    from edgekit.decision.store import write_verdict
    from edgekit.profiling.pace import parse_pace
    from edgekit.profiling.store import outdated
    from edgekit.terminal.output import print_json, remark

    if budget is None:
        remark(f"no --budget given; judged by the example {DEFAULT}")
    old = outdated(bundle)
    if old is not None:
        remark(old)
    verdict = pick(
        bundle,
        load_budget(budget or DEFAULT),
        device=device,
        prefer=parse_preference(prefer),
        batch=batch,
        length=length,
        modes=options.modes(mode or "window,stream"),
        every=parse_pace(every),
        soaked=soaked,
    )
    write_verdict(bundle, verdict)
    if json:
        print_json(verdict)
    else:
        print_verdict(verdict)
    return EXIT_CODES[verdict.verdict]
