"""``edgekit verify``: hashes, the signature of a release, and golden vectors, checked again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.commands import options
from edgekit_targets.errors import CheckFailed, InputError

if TYPE_CHECKING:
    from edgekit.profiling.verify import Check
    from edgekit_targets.agent.contract import Agent

NAME = "verify"
EXAMPLE = "edgekit verify release --key releases.pub"


def run(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE|RELEASE", help="A folder made by export or compare, or by ship --to.")
    ],
    key: Annotated[
        list[Path] | None,
        typer.Option("--key", metavar="PATH.pub", help="Who may have signed the release; may be repeated."),
    ] = None,
    target: options.Targets = None,
    device: options.Device = None,
    json: options.Json = False,
) -> int:
    """Check every file's hash and run its golden vectors again; exit 5 if one is not what it must be.

    Of a release also the signature, and that nothing was added, removed, renamed or altered.
    """
    from edgekit.devices.connect import connect
    from edgekit.profiling.verify import verify
    from edgekit.project.defaults import fill
    from edgekit.project.load import load_project
    from edgekit.shipping.verify import is_release
    from edgekit.terminal.output import print_json, remark
    from edgekit.terminal.progress import Bar

    project = load_project()
    release = is_release(bundle)
    if key and not release:
        raise InputError(
            f"--key: {bundle} is no release (it has no release.json), so nobody signed it; leave --key out"
        )
    if release and not key:
        raise InputError(f"--key is missing: {bundle} is a release; say who may have signed it with --key PATH.pub")
    chosen = fill(project, remark, device=device, target=None if release else target)
    with connect(chosen["device"] or "local", project.devices) as agent:
        if release:
            return _release(bundle, agent, key or [], target, json)
        with Bar() as bar:
            checks = verify(bundle, agent, targets=options.names(chosen["target"]), progress=bar)
    if json:
        print_json({"schema_version": 1, "bundle": str(bundle), "checks": checks})
    return _end(checks, json)


def _release(folder: Path, agent: Agent, keys: list[Path], target: str | None, json: bool) -> int:
    from edgekit.shipping.verify import verify
    from edgekit.terminal.output import print_json, print_text
    from edgekit_targets.signing.keys import SHORT, read_public_key

    if target is not None and len(options.names(target)) != 1:
        raise InputError("--target: a release runs on one target; name one, or none for the one it was measured on")
    release, signer, check = verify(folder, agent, [read_public_key(one) for one in keys], target)
    if json:
        print_json({"schema_version": 1, "release": release, "key": signer.key, "checks": [check]})
    else:
        print_text(
            f"{release.name} {release.counter}: {release.artifact}, signed by key {signer.key[:SHORT]}; all of its "
            f"{len(signer.digests)} files are as they were signed."
        )
    return _end([check], json)


def _end(checks: list[Check], json: bool) -> int:
    from edgekit.terminal.output import print_table, remark
    from edgekit.terminal.tables import checks_table

    failed = [check for check in checks if not check.passed]
    for check in failed:
        remark(f"{check.artifact} on {check.target}: {check.reason}")
    if not json:
        print_table(checks_table(checks))
    return CheckFailed.exit_code if failed else 0
