"""``edgekit report``: the page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.commands import options

NAME = "report"
EXAMPLE = "edgekit report bundle --out report.html"


def run(
    bundle: options.Bundle,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The page to write; by default BUNDLE/report.html.")
    ] = None,
    force: options.Force = False,
    json: options.Json = False,
) -> None:
    """Write one self-contained HTML page with the verdict, the figures and the plots of a bundle."""
    from edgekit.commands.pages import write_report
    from edgekit.terminal.output import print_json, print_line

    page = write_report(bundle, out, force=force, command=f"edgekit report {bundle}")
    if json:
        print_json({"schema_version": 1, "bundle": str(bundle), "report": str(page)})
    else:
        print_line(f"report: {page}")
