"""``edgekit targets``: what can run here, and how to get the rest."""

from __future__ import annotations

from edgekit.commands.options import Json

NAME = "targets"
EXAMPLE = "edgekit targets"


def run(json: Json = False) -> None:
    """Show which runtimes can run here, and for each that cannot: why, and the command that fixes it."""
    from edgekit.terminal.output import print_json, print_table
    from edgekit.terminal.tables import targets_table
    from edgekit_targets.runtimes import statuses

    found = statuses()
    if json:
        print_json({"schema_version": 1, "targets": found})
    else:
        print_table(targets_table(found))
