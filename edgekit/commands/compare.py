"""``edgekit compare``: the main job in one go."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.commands import options

if TYPE_CHECKING:
    from edgekit.budget.budget import Budget
    from edgekit_export.exporting import ExportRequest

NAME = "compare"
EXAMPLE = 'edgekit compare a.onnx b.onnx --budget "p99=10ms"'
DEFAULT_DATA = "aeon:JapaneseVowels"
# What one candidate may take at most and what all of them may take together, in seconds of measuring.
CANDIDATE_SECONDS = 8.0
CANDIDATE_LAUNCHES = 24
TOTAL_SECONDS = 60.0


def run(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL ...]", help=".onnx files; by default the LSTM and Transformer trained on --data."
        ),
    ] = None,
    data: options.Data = None,
    budget: options.Budget = None,
    target: options.Targets = None,
    threads: options.Threads = None,
    preset: options.Preset = None,
    settings: options.Settings = None,
    seed: options.Seed = 0,
    shape: options.Shapes = None,
    set_input: options.SetInputs = None,
    state: options.StatePairs = None,
    prefer: options.Prefer = None,
    device: options.Device = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write; by default edgekit-out/<time>.")
    ] = None,
    force: options.Force = False,
    exhaustive: options.Exhaustive = False,
    json: options.Json = False,
) -> int:
    """Train or take in models, export, verify, profile, pick and report: which file to ship, and why.

    Without MODEL it trains the reference LSTM and Transformer and two baselines on --data. With .onnx files it needs
    neither torch nor data.
    """
    from edgekit.commands.pages import write_report
    from edgekit.commands.verdicts import EXIT_CODES, print_verdict
    from edgekit.decision.pick import pick
    from edgekit.decision.prefer import DEFAULT as PREFERENCE
    from edgekit.decision.prefer import parse_preference
    from edgekit.decision.race import Race
    from edgekit.decision.store import write_verdict
    from edgekit.decision.words import comparison_text, covers_text
    from edgekit.devices.connect import connect
    from edgekit.profiling.plan import until_decided
    from edgekit.profiling.run import check_threads, choose_targets, profile
    from edgekit.project.defaults import fill
    from edgekit.project.load import load_project
    from edgekit.terminal.output import print_json, print_line, print_text, remark
    from edgekit.terminal.progress import Bar
    from edgekit_export.exporting import check, export

    project = load_project()
    chosen = fill(project, remark, device=device, target=target, threads=threads, prefer=prefer, budget=budget)
    made = {"data": data, "preset": preset}
    if options.trains(models):
        made = fill(project, remark, **made)
    budget = chosen["budget"]
    request = dataclasses.replace(
        _request(models or [], made["data"], made["preset"] or "iot", settings, seed, shape, _folder(out), force),
        set_inputs=options.pairs(set_input, "--set-input"),
        states=options.pairs(state, "--state"),
    )
    limits = _limits(budget, project.budgets, trained=request.data is not None)
    order = PREFERENCE if chosen["prefer"] is None else parse_preference(chosen["prefer"])
    counts = options.whole_numbers(chosen["threads"], "--threads") or [1]
    asked = options.names(chosen["target"])
    with connect(chosen["device"] or "local", project.devices) as agent:
        # Everything that can be refused is refused before the first minute is spent.
        welcome = agent.hello(exclusive=True)
        usable = choose_targets(welcome, asked)
        check_threads(welcome, counts)
        check(request)
        remark(f"writing to {request.out}; budget {limits.name}; targets {', '.join(usable)}")
        with Bar() as bar:
            manifest = export(request, bar)
            for line in manifest.dropped:
                remark(line)
            for line in dict.fromkeys(note for artifact in manifest.artifacts for note in artifact.notes):
                remark(line)
            race = None if exhaustive else Race(limits.limits, order)
            plan = until_decided(
                most_seconds=CANDIDATE_SECONDS,
                most_launches=CANDIDATE_LAUNCHES,
                total_seconds=None if exhaustive else TOTAL_SECONDS,
            )
            found = profile(
                request.out, agent, targets=usable, threads=counts, plan=plan, race=race, tell=remark, progress=bar
            )
    verdict = pick(request.out, limits, prefer=order)
    write_verdict(request.out, verdict)
    page = write_report(request.out, None, force=False, command=_command(models, budget, request))
    if json:
        from edgekit_targets.records import to_json

        print_json(to_json(verdict) | {"bundle": str(request.out)})
    else:
        print_verdict(verdict)
        for comparison in found.comparisons:
            if comparison.low is not None:
                print_text(f"- {comparison_text(comparison)}")
        print_text(f"- {covers_text(found.measurements)}")
        print_line(f"bundle: {request.out}")
        print_line(f"report: {page}")
    return EXIT_CODES[verdict.verdict] if budget is not None else 0


def _request(
    models: list[str],
    data: str | None,
    preset: str,
    settings: list[str] | None,
    seed: int,
    shape: list[str] | None,
    out: Path,
    force: bool,
) -> ExportRequest:
    from edgekit_export.exporting import ExportRequest

    return ExportRequest(
        models=tuple(models),
        out=out,
        data=data or (DEFAULT_DATA if options.trains(models) else None),
        preset=preset,
        settings=options.pairs(settings, "--set"),
        seed=seed,
        shapes=options.shapes(shape),
        force=force,
        baselines=not models,
    )


def _folder(out: Path | None) -> Path:
    from datetime import datetime

    return out if out is not None else Path("edgekit-out") / datetime.now().strftime("%Y%m%d-%H%M%S")


def _limits(budget: str | None, own: Mapping[str, Budget], *, trained: bool) -> Budget:
    """The budget asked for, or an example that ships; without labelled data its accuracy limit could never be met."""
    from edgekit.budget.budget import Budget
    from edgekit.budget.load import DEFAULT, load_budget

    chosen = load_budget(budget or DEFAULT, own)
    if budget is not None or trained:
        return chosen
    kept = tuple(limit for limit in chosen.limits if limit.name != "accuracy")
    return Budget(name=f"{DEFAULT} without its accuracy limit (no data)", limits=kept)


def _command(models: list[str] | None, budget: str | None, request: ExportRequest) -> str:
    """The command line that makes this again."""
    import shlex

    words = ["edgekit", "compare", *(models or [])]
    if request.data is not None:
        words += ["--data", request.data, "--preset", request.preset, "--seed", str(request.seed)]
    for key, value in request.settings.items():
        words += ["--set", f"{key}={value}"]
    if budget is not None:
        words += ["--budget", budget]
    return shlex.join(words)
