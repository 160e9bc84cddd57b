"""``edgekit explain``: what in a sample an artifact's answer rests on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.commands import options

NAME = "explain"
EXAMPLE = "edgekit explain bundle --artifact lstm-window-fp32-portable-plain --input 0"


def run(
    bundle: options.Bundle,
    artifact: Annotated[str, typer.Option("--artifact", metavar="ID", help="The artifact that answers.")],
    sample: Annotated[
        str,
        typer.Option("--input", metavar="SAMPLE", help="The number of a test sample; of a text model also words."),
    ],
    method: Annotated[
        str | None,
        typer.Option(
            "--method", metavar="M,...", help="attention, rollout, occlusion; by default all that the file can give."
        ),
    ] = None,
    samples: Annotated[
        int, typer.Option("--samples", min=2, help="Test samples that say how faithful the methods are.")
    ] = 100,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The page; by default BUNDLE/explanations/ARTIFACT-SAMPLE.html."),
    ] = None,
    force: options.Force = False,
    json: options.Json = False,
) -> None:
    """Explain one answer by attention and by occlusion, and tell how faithful such explanations are.

    Attention is read from the artifact that export --attention makes; occlusion works on any classifier.
    """
    from edgekit.commands.pages import check_page, explanation_path, write_explanation
    from edgekit.explaining.explain import explain, method_names
    from edgekit.terminal.explanation import print_explanation
    from edgekit.terminal.output import print_json, print_line, remark
    from edgekit.terminal.progress import Bar
    from edgekit_targets.agent.client import LocalAgent
    from edgekit_targets.records import to_json

    methods = method_names(method)
    page = out if out is not None else explanation_path(bundle, artifact, sample)
    check_page(page, force=force)
    with LocalAgent() as agent, Bar() as bar:
        found = explain(bundle, artifact, sample, agent=agent, progress=bar, methods=methods, most=samples)
    for note in found.notes:
        remark(note)
    write_explanation(page, found)
    if json:
        print_json(to_json(found) | {"report": str(page)})
    else:
        print_explanation(found)
        print_line(f"report: {page}")
