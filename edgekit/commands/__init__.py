"""One file per command: its ``NAME``, an ``EXAMPLE`` for ``--help``, and ``run``, whose parameters are the options.

To add a command, add a file and its line below. A command of commands (``edgekit device list``) is a folder.
"""

from edgekit.commands import (
    compare,
    device,
    explain,
    export,
    init,
    keys,
    pick,
    profile,
    report,
    rounds,
    ship,
    targets,
    verify,
)

COMMANDS = [compare, export, profile, pick, report, ship, verify, explain, rounds, targets, init]
GROUPS = [device, keys]
