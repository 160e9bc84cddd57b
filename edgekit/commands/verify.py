"""``edgekit verify``: hashes and golden vectors, checked again."""

from __future__ import annotations

from edgekit.commands import options

NAME = "verify"
EXAMPLE = "edgekit verify bundle --target cpu"


def run(
    bundle: options.Bundle,
    target: options.Targets = None,
    device: options.Device = None,
    json: options.Json = False,
) -> int:
    """Check every file's hash and run its golden vectors again; exit 5 if one is not what it must be."""
    from edgekit.devices.connect import connect
    from edgekit.profiling.verify import verify
    from edgekit.project.defaults import fill
    from edgekit.project.load import load_project
    from edgekit.terminal.output import print_json, print_table, remark
    from edgekit.terminal.progress import Bar
    from edgekit.terminal.tables import checks_table
    from edgekit_targets.errors import CheckFailed

    project = load_project()
    chosen = fill(project, remark, device=device, target=target)
    with connect(chosen["device"] or "local", project.devices) as agent, Bar() as bar:
        checks = verify(bundle, agent, targets=options.names(chosen["target"]), progress=bar)
    failed = [check for check in checks if not check.passed]
    for check in failed:
        remark(f"{check.artifact} on {check.target}: {check.reason}")
    if json:
        print_json({"schema_version": 1, "bundle": str(bundle), "checks": checks})
    else:
        print_table(checks_table(checks))
    return CheckFailed.exit_code if failed else 0
