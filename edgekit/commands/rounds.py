"""``edgekit rounds``: the claims about the two families, measured."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.commands import options
from edgekit_targets.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgekit.budget.budget import Budget
    from edgekit.rounds.effort import Effort

NAME = "rounds"
EXAMPLE = "edgekit rounds --quick --out rounds"


def run(
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="D,...", help="Sets for the learning curves; by default some that aeon ships."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="B", help="What round five holds them against; by default every example."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where to write, and to go on; by default edgekit-out/rounds-<time>."
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer seeds, sizes and distances: minutes instead of hours.")
    ] = False,
    seeds: Annotated[
        int | None, typer.Option("--seeds", metavar="N", help="Seeds of everything that is trained; 3 at least.")
    ] = None,
    distances: Annotated[
        str | None, typer.Option("--distances", metavar="N,...", help="How many steps back the memory task asks.")
    ] = None,
    length: Annotated[
        int | None,
        typer.Option("--length", metavar="N", min=1, help="Steps of the memory task; by default what it takes."),
    ] = None,
    device: options.Device = None,
    force: options.Force = False,
    json: options.Json = False,
) -> None:
    """Measure what is said of LSTM and Transformer: memory, speed, interpretability, data and cost, the edge.

    Each claim is trained for and timed here, over several seeds and sizes, and ends with a winner or a tie. A run that
    was interrupted goes on in the same --out.
    """
    from edgekit.commands.pages import write_card
    from edgekit.devices.connect import connect
    from edgekit.profiling.run import choose_targets
    from edgekit.project.defaults import fill
    from edgekit.project.load import load_project
    from edgekit.rounds.context import Context
    from edgekit.rounds.effort import FULL, QUICK
    from edgekit.rounds.folder import check_out
    from edgekit.rounds.play import check, play_all
    from edgekit.rounds.trainers import Trainers, cores
    from edgekit.rounds.work import Work
    from edgekit.terminal.output import print_json, print_line, remark
    from edgekit.terminal.progress import Bar
    from edgekit.terminal.score_card import print_card
    from edgekit_targets.records import to_json

    project = load_project()
    chosen = fill(project, remark, device=device, budget=budget)
    effort = _effort(QUICK if quick else FULL, data, seeds, distances, length)
    check(effort)
    budgets = _budgets(chosen["budget"], project.budgets)
    with connect(chosen["device"] or "local", project.devices) as agent:
        choose_targets(agent.hello(), effort.targets)
    folder = out if out is not None else _folder()
    going_on = check_out(folder, force=force)
    remark(f"{'going on' if going_on else 'writing'} in {folder}{'; quick' if quick else ''}")
    try:
        with Bar() as bar, Trainers(cores()) as trainers:
            card = play_all(
                Context(
                    out=folder,
                    effort=effort,
                    work=Work(folder),
                    budgets=budgets,
                    connect=lambda: connect(chosen["device"] or "local", project.devices),
                    progress=bar,
                    trainers=trainers,
                    tell=remark,
                    device=chosen["device"] or "local",
                    devices=tuple(project.devices),
                )
            )
    except KeyboardInterrupt:
        remark(f"go on with the same command and --out {folder}")
        raise
    page = write_card(folder, card)
    if json:
        print_json(to_json(card) | {"out": str(folder), "report": str(page)})
    else:
        print_card(card)
        print_line(f"report: {page}")


def _effort(base: Effort, data: str | None, seeds: int | None, distances: str | None, length: int | None) -> Effort:
    changes: dict[str, object] = {}
    if data is not None:
        changes["data"] = tuple(dict.fromkeys(options.names(data)))
        if not changes["data"]:
            raise InputError("--data is empty; name one set or more, e.g. --data aeon:JapaneseVowels")
    if seeds is not None:
        changes |= dict.fromkeys(("seeds", "seeds_beside", "seeds_explained", "seeds_learning"), seeds)
    if distances is not None:
        changes["distances"] = tuple(sorted(options.whole_numbers(distances, "--distances")))
        if not changes["distances"]:
            raise InputError("--distances is empty; write e.g. --distances 8,64")
    if length is not None:
        changes["length"] = length
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def _budgets(given: str | None, own: Mapping[str, Budget]) -> tuple[Budget, ...]:
    """The one asked for, else the team's and the examples that ship."""
    from edgekit.budget.load import examples, load_budget

    if given is not None:
        return (load_budget(given, own),)
    return tuple(load_budget(name, own) for name in dict.fromkeys([*own, *examples()]))


def _folder() -> Path:
    from datetime import datetime

    return Path("edgekit-out") / f"rounds-{datetime.now():%Y%m%d-%H%M%S}"
