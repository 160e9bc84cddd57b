"""``edgekit device check``: what is there, and what to mend."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.commands.options import Json

NAME = "check"
EXAMPLE = "edgekit device check pi"


def run(
    device: Annotated[str, typer.Argument(metavar="NAME", help="A name from edgekit.toml, or ssh://user@host[:port].")],
    json: Json = False,
) -> None:
    """Say what a device has (processor, memory, Python, runtime, disk, throttling) and how to mend what is wrong.

    Nothing but edgekit's agent is put there, into ~/.edgekit.
    """
    from edgekit.devices.check import check
    from edgekit.devices.connect import reach
    from edgekit.devices.remote import agent_at, put_agent
    from edgekit.project.load import load_project
    from edgekit.terminal.output import print_json, print_table, print_text
    from edgekit.terminal.tables import findings_table

    with reach(device, load_project().devices) as place:
        file = put_agent(place)
        with agent_at(place, file) as agent:
            found = check(place, file, agent.hello(), device)
    if json:
        print_json(found)
        return
    print_table(findings_table(found.findings))
    wrong = [one for one in found.findings if not one.fine]
    print_text(
        f"{device} is ready." if not wrong else f"{len(wrong)} to mend on {device}; the command stands beside it."
    )
