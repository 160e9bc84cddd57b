"""``edgekit device list``: the team's machines and the catalogue."""

from __future__ import annotations

from edgekit.commands.options import Json

NAME = "list"
EXAMPLE = "edgekit device list"


def run(json: Json = False) -> None:
    """Show your devices from edgekit.toml and the hardware in the catalogue.

    The catalogue holds facts with their sources, nothing measured; --json shows all of them.
    """
    from edgekit.project.load import load_project
    from edgekit.terminal.output import print_json, print_line, print_table, print_text
    from edgekit.terminal.tables import catalogue_table, devices_table
    from edgekit_targets.catalogue.load import entries

    project = load_project()
    if json:
        own = [
            {"name": one.name, "address": str(one.address), "catalogue": one.catalogue}
            for one in project.devices.values()
        ]
        path = None if project.path is None else str(project.path)
        print_json({"schema_version": 1, "project": path, "devices": own, "catalogue": entries()})
        return
    if project.devices:
        print_line(f"devices of {project.path}:")
        print_table(devices_table(list(project.devices.values())))
    else:
        print_text("No device of your own yet; name some in edgekit.toml (edgekit init writes an example).")
    print_line("catalogue (facts about hardware; nothing here was measured):")
    print_table(catalogue_table(entries()))
