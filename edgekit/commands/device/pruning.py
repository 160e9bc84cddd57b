"""``edgekit device prune``: room on a device."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.commands import options

NAME = "prune"
EXAMPLE = "edgekit device prune pi --keep 2"


def run(
    devices: options.Devices,
    keep: Annotated[int, typer.Option("--keep", min=0, metavar="K", help="Keep the K newest of them.")] = 0,
    name: options.Model = "model",
    json: options.Json = False,
) -> int:
    """Remove the releases that are neither current nor previous."""
    from edgekit.commands.fleet import end
    from edgekit.devices.orders import orders
    from edgekit.devices.several import on_each
    from edgekit.project.load import load_project
    from edgekit.terminal.output import print_line
    from edgekit.terminal.progress import Bar
    from edgekit_targets.progress import Progress
    from edgekit_targets.records import parse
    from edgekit_targets.releases.answers import Pruned

    own = load_project().devices

    def work(device: str, progress: Progress) -> Pruned:
        with orders(device, own) as there:
            return parse(Pruned, there.ask("prune", "--name", name, "--keep", str(keep))[-1], device)

    def told(device: str, found: Pruned) -> None:
        print_line(f"{device}: removed {', '.join(found.removed) or 'nothing'}; kept {', '.join(found.kept)}")

    with Bar() as bar:
        outcomes = on_each(options.names(devices), work, bar)
    return end(outcomes, told, json=json)
