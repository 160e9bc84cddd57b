"""``edgekit device releases``: what a device has."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.commands import options

NAME = "releases"
EXAMPLE = "edgekit device releases pi"


def run(
    devices: options.Devices,
    name: Annotated[
        str | None, typer.Option("--name", metavar="N", help="Only those of this model of the application's.")
    ] = None,
    json: options.Json = False,
) -> int:
    """Show the releases on a device: what applications open, what it would go back to, and what else is there.

    Nothing there is checked or changed.
    """
    from edgekit.commands.fleet import end
    from edgekit.devices.orders import orders
    from edgekit.devices.several import on_each
    from edgekit.project.load import load_project
    from edgekit.terminal.output import print_line, print_table
    from edgekit.terminal.progress import Bar
    from edgekit.terminal.tables import releases_table
    from edgekit_targets.progress import Progress
    from edgekit_targets.records import parse
    from edgekit_targets.releases.listing import Listed

    own = load_project().devices

    def work(device: str, progress: Progress) -> list[Listed]:
        with orders(device, own) as there:
            words = [] if name is None else ["--name", name]
            return [parse(Listed, one, device) for one in there.ask("releases", *words)]

    def told(device: str, models: list[Listed]) -> None:
        if not any(model.releases for model in models):
            print_line(f"{device}: no release yet; ship one with: edgekit ship BUNDLE --device {device}")
            return
        for model in models:
            print_line(f"{device}: {model.name}, which applications open at {model.path or 'no path yet'}")
            print_table(releases_table(model))
            if model.unfinished is not None:
                print_line(f"{model.unfinished} was not confirmed: the next ship or rollback goes back from it")

    with Bar() as bar:
        outcomes = on_each(options.names(devices), work, bar)
    return end(outcomes, told, json=json)
