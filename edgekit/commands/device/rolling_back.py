"""``edgekit device rollback``: back to the release before."""

from __future__ import annotations

from edgekit.commands import options

NAME = "rollback"
EXAMPLE = "edgekit device rollback pi"


def run(devices: options.Devices, name: options.Model = "model", json: options.Json = False) -> int:
    """Make the previous release current again, in one step; it is verified before.

    What was current becomes previous, so a second rollback undoes the first.
    """
    from edgekit.commands.fleet import end
    from edgekit.devices.orders import orders
    from edgekit.devices.several import on_each
    from edgekit.project.load import load_project
    from edgekit.terminal.output import print_line
    from edgekit.terminal.progress import Bar
    from edgekit_targets.progress import Progress
    from edgekit_targets.records import parse
    from edgekit_targets.releases.answers import RolledBack

    own = load_project().devices

    def work(device: str, progress: Progress) -> RolledBack:
        with orders(device, own) as there:
            return parse(RolledBack, there.ask("rollback", "--name", name)[-1], device)

    with Bar() as bar:
        outcomes = on_each(options.names(devices), work, bar, tries=1)  # doing it twice undoes it
    return end(
        outcomes, lambda device, found: print_line(f"{device}: {found.current or 'nothing'} is current"), json=json
    )
