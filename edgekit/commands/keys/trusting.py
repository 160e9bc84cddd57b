"""``edgekit keys trust``: a key that a device may trust."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.commands.options import Json

NAME = "trust"
EXAMPLE = "edgekit keys trust releases.pub --device pi"


def run(
    path: Annotated[Path, typer.Argument(metavar="PATH.pub", help="The public half of a key.")],
    device: Annotated[
        str, typer.Option("--device", metavar="NAME,...", help="Your devices, or local for this machine.")
    ],
    json: Json = False,
) -> int:
    """Let devices take in what a key signs; only PATH.pub goes there.

    Without a trusted key a device takes nothing in. Whoever can log in to a device can do this, so keep its ssh keys as
    safe as the signing key.
    """
    from edgekit.commands.fleet import end
    from edgekit.commands.options import names
    from edgekit.devices.several import on_each
    from edgekit.project.load import load_project
    from edgekit.shipping.keys import trust_on
    from edgekit.terminal.output import print_line
    from edgekit.terminal.progress import Bar
    from edgekit_targets.progress import Progress
    from edgekit_targets.signing.keys import read_public_key

    key = read_public_key(path)
    own = load_project().devices

    def work(name: str, progress: Progress) -> dict[str, object]:
        trust_on(name, own, key)
        return {"schema_version": 1, "device": name, "key": key.id}

    with Bar() as bar:
        outcomes = on_each(names(device), work, bar)
    return end(outcomes, lambda name, _: print_line(f"{name} trusts key {key.id[:16]}"), json=json)
