"""``edgekit profile``: measure a bundle on a device."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.commands import options

NAME = "profile"
EXAMPLE = "edgekit profile bundle --target cpu,openvino --threads 1,2"


def run(
    bundle: options.Bundle,
    target: options.Targets = None,
    device: options.Device = "local",
    threads: options.Threads = "1",
    batch: Annotated[int, typer.Option("--batch", min=1, help="Sequences per inference.")] = 1,
    length: Annotated[
        str | None, typer.Option("--length", metavar="N,...", help="Steps per sequence; by default the data's own.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what was measured already.")] = False,
    json: options.Json = False,
) -> None:
    """Measure latency, memory and CPU time of every artifact of a bundle, with intervals, in fresh processes."""
    from edgekit.devices.connect import connect
    from edgekit.profiling.run import profile
    from edgekit.terminal.output import print_json, print_line, print_table, remark
    from edgekit.terminal.progress import Bar
    from edgekit.terminal.tables import profile_table

    with connect(device) as agent, Bar() as bar:
        found = profile(
            bundle,
            agent,
            targets=options.names(target),
            threads=options.whole_numbers(threads, "--threads"),
            batch=batch,
            lengths=options.whole_numbers(length, "--length"),
            fresh=fresh,
            progress=bar,
        )
    for one in found.measurements:
        if not one.valid:
            remark(f"{one.artifact} on {one.target} is invalid: {one.warnings[0]}")
    if json:
        print_json(found)
    else:
        print_table(profile_table(found))
        samples = [one.latency.samples if one.latency else 0 for one in found.measurements]
        print_line(f"samples: {min(samples, default=0)} to {max(samples, default=0)} for each candidate")
        print_line(f"measured on: {found.device.name} ({found.device.cpu or found.device.architecture})")
