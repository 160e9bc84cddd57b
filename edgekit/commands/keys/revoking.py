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
    from edgekit.commands.fleet import with_key
    from edgekit.shipping.keys import revoke_on

    return with_key(path, device, revoke_on, "refuses", json=json)
