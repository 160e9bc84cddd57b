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
    from edgekit.commands.fleet import with_key
    from edgekit.shipping.keys import trust_on

    return with_key(path, device, trust_on, "trusts", json=json)
