"""``edgekit pick``: the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgekit.commands import options
from edgekit_targets.errors import CheckFailed, InputError

if TYPE_CHECKING:
    from edgekit.budget.budget import Budget
    from edgekit.project.contract import Project
    from edgekit_targets.types.comparison import Baseline

NAME = "pick"
EXAMPLE = 'edgekit pick bundle --budget "p99=20ms, memory=64MiB, accuracy=0.9"'
_MATRIX_FORMATS = ("json", "md")


def run(
    bundle: options.Bundle,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            "--budget",
            metavar="B",
            help='"p99=20ms, memory=64MiB", an example such as imu-50hz, or a TOML file; with --matrix several.',
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device", metavar="NAME", help="Judge what was measured on this machine; with --matrix several."
        ),
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
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="ID", help="Tell one artifact's whole story instead.")
    ] = None,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="A table of devices by budgets instead, the pick in each cell.")
    ] = False,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="BUNDLE", help="The last release: a regression beyond noise ends with 5."),
    ] = None,
    format: Annotated[
        str | None, typer.Option("--format", metavar="F", help="json, csv, md or junit instead of a table.")
    ] = None,
    json: options.Json = False,
) -> int:
    """Choose the artifact that fits a budget; exit 0 if one does, 3 if none, 4 if more measuring would tell."""
    from shlex import quote

    from edgekit.commands.verdicts import EXIT_CODES, print_verdict
    from edgekit.decision.pick import conclude
    from edgekit.decision.prefer import DEFAULT as PREFERENCE
    from edgekit.decision.prefer import parse_preference
    from edgekit.decision.store import write_verdict
    from edgekit.decision.weigh import weigh
    from edgekit.devices.connect import measured_name
    from edgekit.formats import find_format
    from edgekit.profiling.pace import parse_pace
    from edgekit.profiling.store import outdated
    from edgekit.project.defaults import fill
    from edgekit.project.load import load_project
    from edgekit.terminal.output import print_line, remark

    if json and format not in (None, "json"):
        raise InputError(f"--json and --format {format} ask for two documents; keep one")
    project = load_project()
    given = fill(project, remark, budget=_one(budget or []) if not matrix else None, device=device, prefer=prefer)
    wanted = "json" if json else format
    chosen = None if wanted is None else find_format(wanted)
    order = PREFERENCE if given["prefer"] is None else parse_preference(given["prefer"])
    question: dict[str, Any] = {
        "batch": batch,
        "length": length,
        "modes": options.modes(mode or "window,stream"),
        "every": parse_pace(every),
        "soaked": soaked,
    }
    if sum((explain is not None, matrix, baseline is not None)) > 1:
        raise InputError("--explain, --matrix and --baseline are three questions; ask one at a time")
    if matrix:
        return _matrix(bundle, budget or [], options.names(device), chosen, project, {"prefer": order} | question)
    old = outdated(bundle)
    if old is not None:
        remark(old)
    limits = _limits(given["budget"], project)
    limits_text = given["budget"] or limits.name
    named = None if given["device"] is None else measured_name(given["device"], bundle, project.devices)
    weighed = weigh(bundle, limits, device=named, **question)
    verdict = conclude(weighed, order)
    code = EXIT_CODES[verdict.verdict]
    if explain is not None:
        from edgekit.decision.explain import explain as tell

        _print_story(tell(weighed, explain, order, verdict.verdict), chosen)
        return code
    if baseline is not None:
        import dataclasses

        from edgekit.decision.baseline import compare, weigh_baseline

        before = weigh_baseline(baseline, weighed, **question)
        verdict = dataclasses.replace(
            verdict, baseline=compare(weighed, verdict, before, conclude(before, order), baseline)
        )
    write_verdict(bundle, verdict)
    if chosen is not None:
        print_line(chosen.render(verdict))
    else:
        print_verdict(verdict)
    if verdict.verdict == "undecided" and any(
        one.status != "fail" and any(found.status == "undecided" for found in one.constraints)
        for one in verdict.candidates
    ):
        where = "" if device is None else f" --device {device}"
        remark(f"to measure on until it is decided: edgekit profile {bundle}{where} --budget {quote(limits_text)}")
    return code or _code(verdict.baseline)


def _code(baseline: Baseline | None) -> int:
    return CheckFailed.exit_code if baseline is not None and baseline.regressions else 0


def _one(given: list[str]) -> str | None:
    if len(given) > 1:
        raise InputError("--budget is given more than once; keep one, or ask for all of them with --matrix")
    return given[0] if given else None


def _limits(given: str | None, project: Project) -> Budget:
    from edgekit.budget.load import DEFAULT, load_budget
    from edgekit.terminal.output import remark

    if given is None:
        remark(f"no --budget given; judged by the example {DEFAULT}")
    return load_budget(given or DEFAULT, project.budgets)


def _matrix(
    bundle: Path, budgets: list[str], devices: list[str], chosen: Any, project: Project, question: dict[str, Any]
) -> int:
    """Print the table; its cells hold the verdicts, so it ends with 0 whatever they are."""
    from edgekit.budget.load import examples, load_budget
    from edgekit.decision.matrix import matrix
    from edgekit.formats.markdown import render_matrix
    from edgekit.terminal.output import print_json, print_line, print_table, print_text
    from edgekit.terminal.tables import matrix_table

    if chosen is not None and chosen.NAME not in _MATRIX_FORMATS:
        raise InputError(f"--matrix has no --format {chosen.NAME}; choose from {', '.join(_MATRIX_FORMATS)}")
    asked = budgets or [*project.budgets, *examples()]
    named = {one.name: one for one in (load_budget(text, project.budgets) for text in asked)}
    found = matrix(bundle, list(named.values()), devices=devices, **question)
    if chosen is None:
        print_table(matrix_table(found))
        for name, limits in zip(found.budgets, found.limits, strict=True):
            if name != limits:
                print_text(f"{name}: {limits}")
    elif chosen.NAME == "md":
        print_line(render_matrix(found))
    else:
        print_json(found)
    return 0


def _print_story(found: Any, chosen: Any) -> None:
    from edgekit.terminal.output import print_json, print_text
    from edgekit.terminal.story import story_lines

    if chosen is None:
        for line in story_lines(found):
            print_text(line)
    elif chosen.NAME == "json":
        print_json(found)
    else:
        raise InputError(f"--explain has no --format {chosen.NAME}; leave it out, or use json")
