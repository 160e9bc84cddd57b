"""``edgekit keys new``: a pair of keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.commands.options import Json

NAME = "new"
EXAMPLE = "edgekit keys new releases"


def run(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Writes PATH.key and PATH.pub, never over others.")],
    json: Json = False,
) -> None:
    """Make a key pair to sign releases with: PATH.key, which stays with you, and PATH.pub for the devices.

    EC P-256 in PEM. Whoever has PATH.key can put models on your devices; it is written for your user alone.
    """
    from edgekit.shipping.signing import new_pair
    from edgekit.terminal.output import print_json, print_line

    private, public, key = new_pair(path)
    if json:
        print_json({"schema_version": 1, "key": str(private), "pub": str(public), "id": key.id})
        return
    print_line(f"{private}: sign with it (edgekit ship BUNDLE --key {private}); keep it and give it to nobody")
    print_line(f"{public}: for the devices (edgekit keys trust {public} --device NAME); id {key.id[:16]}")
