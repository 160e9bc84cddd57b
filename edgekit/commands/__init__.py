"""One file per command: its ``NAME``, an ``EXAMPLE`` for ``--help``, and ``run``, whose parameters are the options.

To add a command, add a file and its line below.
"""

from edgekit.commands import compare, export, pick, profile, report, targets, verify

COMMANDS = [compare, export, profile, pick, report, verify, targets]
