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
    prefer: options.Prefer = None,
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
    from edgekit.api.pick import pick
    from edgekit.budget.load import DEFAULT
    from edgekit.commands.verdicts import EXIT_CODES, print_verdict
    from edgekit.decision.prefer import DEFAULT as PREFERENCE
    from edgekit.project.defaults import fill
    from edgekit.project.load import load_project
    from edgekit.terminal.output import print_json, remark

    chosen = fill(load_project(), remark, budget=budget, device=device, prefer=prefer)
    if chosen["budget"] is None:
        remark(f"no --budget given; judged by the example {DEFAULT}")
    verdict = pick(
        bundle,
        chosen["budget"] or DEFAULT,
        device=chosen["device"],
        prefer=PREFERENCE if chosen["prefer"] is None else options.names(chosen["prefer"]),
        batch=batch,
        length=length,
        modes=options.modes(mode or "window,stream"),
        every=every,
        soaked=soaked,
    )
    if json:
        print_json(verdict)
    else:
        print_verdict(verdict)
    return EXIT_CODES[verdict.verdict]
