"""``edgekit ship``: the file that was measured, signed, and brought to devices."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.commands import options
from edgekit_targets.errors import EdgekitError, InputError

if TYPE_CHECKING:
    from edgekit.project.contract import OwnDevice
    from edgekit.shipping.state import Question
    from edgekit_targets.releases.format import Release

NAME = "ship"
EXAMPLE = "edgekit ship bundle --key releases.key --device pi-1,pi-2,pi-3 --waves 1,100%"

_SAID = {
    "done": "every device has it",
    "failed": "stopped; the devices of the wave in which one failed are as before",
    "returning": "stopped; a device that must go back could not be told: the same command tries again",
}


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
        typer.Option(
            "--device",
            metavar="NAME,...",
            help="Who gets it (with --to: whom it is for); measured, or of a kind that was.",
        ),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="PATH.key", help="Signs it; made by edgekit keys new.")
    ] = None,
    name: options.Model = "model",
    waves: Annotated[
        str, typer.Option("--waves", metavar="W,...", help="How many devices have it after each: numbers, or shares.")
    ] = "1,100%",
    probe: Annotated[
        str | None,
        typer.Option("--probe", metavar="CMD", help="A shell command of the application's that must succeed there."),
    ] = None,
    probe_within: Annotated[
        str, typer.Option("--probe-within", metavar="T", help="How long that command may take.")
    ] = "60s",
    confirm_within: Annotated[
        str,
        typer.Option("--confirm-within", metavar="T", help="A device goes back by itself if it hears nothing so long."),
    ] = "120s",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, whatever the same command left unfinished.")
    ] = False,
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
    """Sign the pick with its evidence, golden vectors and session options, and bring it to devices, or into a folder.

    An artifact without valid evidence for the device is refused unless --force. The limits are those of --budget, or of
    the newest verdict. A device checks, tries, switches in one step, and goes back when its health probe fails. The
    first device that fails sends its whole wave back. After an interruption the same command goes on.
    """
    from edgekit.budget.load import load_budget
    from edgekit.project.load import load_project
    from edgekit.shipping.choose import choose
    from edgekit.shipping.compose import compose
    from edgekit.shipping.counter import next_counter
    from edgekit.shipping.signing import others_can_read, read_private_key
    from edgekit.shipping.state import Question
    from edgekit.shipping.waves import split
    from edgekit.terminal.output import print_json, print_line, remark
    from edgekit.terminal.progress import Bar
    from edgekit_targets.files import check_free
    from edgekit_targets.releases.format import MANIFEST, check_name

    devices = list(dict.fromkeys(options.names(device)))
    if key is None:
        raise InputError(
            "--key is missing: a device takes in signed releases only; make a key with: edgekit keys new PATH"
        )
    if to is None and not devices:
        raise InputError("--device or --to is missing: say which devices get it, or which folder with --to FOLDER")
    if to is not None and probe is not None:
        raise InputError("--probe is run by the device that switches: give it to install there, or ship with --device")
    check_name(name, "--name")
    number = next_counter(counter)
    probe_seconds = options.duration(probe_within, "--probe-within")
    confirm_seconds = options.duration(confirm_within, "--confirm-within")
    units = options.pairs(unit, "--unit")
    if to is not None:
        check_free(to, force=None, marker=MANIFEST, option="--to")
    project = load_project()
    signer = read_private_key(key)
    if others_can_read(key):
        remark(f"{key} is open to other users of this machine; close it with: chmod 600 {shlex.quote(str(key))}")

    def write(out: Path) -> Release:
        from edgekit.shipping.deliver import describe_unmeasured

        with Bar() as bar:
            described = describe_unmeasured(bundle, devices, project.devices, bar) if to is None else {}
        chosen = choose(
            bundle,
            artifact=artifact,
            devices=devices,
            budget=None if budget is None else load_budget(budget, project.budgets),
            own=project.devices,
            described=described,
            force=force,
        )
        for one in chosen.forced:
            remark(f"forced: {one}")
        return compose(
            bundle, chosen, out, key=signer, name=name, counter=number, units=units, labels=options.names(labels)
        )

    if to is None:
        others = {"key": signer.public.id, "counter": counter, "budget": budget, "labels": labels, "unit": unit}
        question = Question(
            bundle=str(bundle.resolve()),
            artifact=artifact,
            model=name,
            waves=split(devices, waves),
            probe=probe,
            probe_seconds=probe_seconds,
            confirm_seconds=confirm_seconds,
            force=force,
            others={option: str(value) for option, value in others.items() if value},
        )
        return _deliver(question, write, project.devices, fresh=fresh, json=json)
    release = write(to)
    if json:
        print_json({"schema_version": 1, "to": str(to), "key": signer.public.id, "release": release})
    else:
        print_line(f"{to}: {release.name} {release.counter}, {release.artifact}, signed by key {signer.public.id[:16]}")
    return 0


def _deliver(
    question: Question, write: Callable[[Path], Release], own: Mapping[str, OwnDevice], *, fresh: bool, json: bool
) -> int:
    """Begin a rollout or go on with one, and say how it ended."""
    from edgekit.shipping.deliver import abandon, begin, deliver, unfinished
    from edgekit.shipping.state import State, state_file
    from edgekit.terminal.output import print_json, print_line, print_table, remark
    from edgekit.terminal.progress import Bar
    from edgekit.terminal.tables import deliveries_table

    with State(state_file()) as state:
        rollout = unfinished(state, question)
        if rollout is not None and fresh:
            abandon(state, rollout)
            rollout = None
        if rollout is None:
            rollout = begin(state, question, state_file().parent, write)
        else:
            remark(f"going on with release {rollout.release}, begun at {rollout.created}; --fresh begins anew")
        try:
            with Bar() as bar:
                ended = deliver(state, rollout, own, bar)
        except KeyboardInterrupt:
            remark("the same command goes on with this release; a device that has not confirmed it goes back by itself")
            raise
    for one in ended.deliveries:
        if one.told is not None:
            remark(one.told)
    if json:
        print_json({"schema_version": 1, "rollout": ended})
    else:
        print_table(deliveries_table(ended.deliveries))
        print_line(f"release {ended.release}: {_SAID[ended.status]}")
    if ended.status == "done":
        return 0
    return max((one.code for one in ended.deliveries), default=0) or EdgekitError.exit_code
