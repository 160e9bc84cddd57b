"""``edgekit keys revoke``: a key that a device must not trust any more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.commands.options import Json

NAME = "revoke"
EXAMPLE = "edgekit keys revoke releases.pub --device pi"


def run(
    path: Annotated[Path, typer.Argument(metavar="PATH.pub", help="The public half of a key.")],
    device: Annotated[
        str, typer.Option("--device", metavar="NAME,...", help="Your devices, or local for this machine.")
    ],
    json: Json = False,
) -> int:
    """Let devices refuse what a key signs, from now on and for good.

    What is installed stays; the next release must be signed with another key, and so must one that the loader opens.
    """
    from edgekit.commands.fleet import end
    from edgekit.commands.options import names
    from edgekit.devices.several import on_each
    from edgekit.project.load import load_project
    from edgekit.shipping.keys import revoke_on
    from edgekit.terminal.output import print_line
    from edgekit.terminal.progress import Bar
    from edgekit_targets.progress import Progress
    from edgekit_targets.signing.keys import read_public_key

    key = read_public_key(path)
    own = load_project().devices

    def work(name: str, progress: Progress) -> dict[str, object]:
        revoke_on(name, own, key)
        return {"schema_version": 1, "device": name, "key": key.id}

    with Bar() as bar:
        outcomes = on_each(names(device), work, bar)
    return end(outcomes, lambda name, _: print_line(f"{name} refuses key {key.id[:16]}"), json=json)
