"""``edgekit ship``: the file that was measured, signed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.commands import options
from edgekit_targets.errors import InputError

NAME = "ship"
EXAMPLE = "edgekit ship bundle --key releases.key --to release"


def run(
    bundle: options.Bundle,
    artifact: Annotated[
        str | None, typer.Option("--artifact", metavar="ID", help="An artifact of the bundle; by default the pick.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Write the release here, for any way of transport.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", metavar="NAME,...", help="Whom it is for; the evidence must be of their kind."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="PATH.key", help="Signs it; made by edgekit keys new.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="N", help="Of the application's model, where a device has several; by default model."
        ),
    ] = None,
    counter: Annotated[
        int | None,
        typer.Option("--counter", metavar="N", help="Grows with each release; by default YYYYMMDDhhmmss of now (UTC)."),
    ] = None,
    budget: options.Budget = None,
    unit: Annotated[
        list[str] | None,
        typer.Option("--unit", metavar="NAME=UNIT", help="Unit of an input or output, told along; may be repeated."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", metavar="L,...", help="Names of the classes; by default the data's.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Ship what the evidence does not carry; the release says so.")
    ] = False,
    json: options.Json = False,
) -> int:
    """Sign the pick with its evidence, golden vectors and session options, and write it as a release.

    An artifact without valid evidence for the device is refused unless --force. The limits are those of --budget, or of
    the newest verdict.
    """
    from edgekit.budget.load import load_budget
    from edgekit.project.load import load_project
    from edgekit.shipping.choose import choose
    from edgekit.shipping.compose import compose
    from edgekit.shipping.counter import next_counter
    from edgekit.shipping.signing import read_private_key
    from edgekit.terminal.output import print_json, print_line, remark
    from edgekit_targets.files import check_free
    from edgekit_targets.releases.format import DEFAULT_NAME, MANIFEST, check_name

    if key is None:
        raise InputError(
            "--key is missing: a device takes in signed releases only; make a key with: edgekit keys new PATH"
        )
    if to is None:
        raise InputError("--to is missing: say where the release is to be written with --to FOLDER")
    model = check_name(name or DEFAULT_NAME, "--name")
    number = next_counter(counter)
    units = options.pairs(unit, "--unit")
    check_free(to, force=None, marker=MANIFEST, option="--to")
    project = load_project()
    signer = read_private_key(key)
    chosen = choose(
        bundle,
        artifact=artifact,
        devices=options.names(device),
        budget=None if budget is None else load_budget(budget, project.budgets),
        own=project.devices,
        force=force,
    )
    for one in chosen.forced:
        remark(f"forced: {one}")
    release = compose(
        bundle, chosen, to, key=signer, name=model, counter=number, units=units, labels=options.names(labels)
    )
    if json:
        print_json({"schema_version": 1, "to": str(to), "key": signer.public.id, "release": release})
    else:
        print_line(f"{to}: {release.name} {release.counter}, {release.artifact}, signed by key {signer.public.id[:16]}")
    return 0
