"""``edgekit export``: from models to a bundle of verified ``.onnx`` files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.commands import options

NAME = "export"
EXAMPLE = "edgekit export lstm transformer --data aeon:JapaneseVowels --out bundle"


def run(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The bundle to write; must not exist.")],
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL ...]",
            help="lstm, transformer (default: both), package.module:callable, .pt2 or .onnx files.",
        ),
    ] = None,
    data: options.Data = None,
    preset: options.Preset = None,
    settings: options.Settings = None,
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode", metavar="M,...", help="window, stream, or both; by default stream for files with state."
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision",
            metavar="P,...",
            help="fp32, fp16, int8-dynamic, int8-static, int8-weight, int4-weight; by default fp32,int8-dynamic.",
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            metavar="NAME,...",
            help="Make integer files for what these processors can do; by default they are right everywhere.",
        ),
    ] = None,
    attention: Annotated[
        bool, typer.Option("--attention", help="Also a Transformer file that gives its attention weights.")
    ] = False,
    accuracy_drop: Annotated[
        str,
        typer.Option(
            "--accuracy-drop",
            metavar="SHARE",
            help="Accuracy a quantized file may lose against fp32, e.g. 1% or 0.01; what loses more is not written.",
        ),
    ] = "1%",
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", metavar="F", help="Weights for one model, safetensors or state_dict.")
    ] = None,
    seed: options.Seed = 0,
    shape: options.Shapes = None,
    set_input: options.SetInputs = None,
    state: options.StatePairs = None,
    force: options.Force = False,
    json: options.Json = False,
) -> None:
    """Export models to ONNX, quantize them, and verify every file against its source before it is written."""
    from edgekit.api.export import export
    from edgekit.project.defaults import fill
    from edgekit.project.load import load_project
    from edgekit.terminal.output import print_json, print_line, print_table, remark
    from edgekit.terminal.progress import Bar
    from edgekit.terminal.tables import manifest_table

    chosen = {"data": data, "preset": preset}
    if options.trains(models):
        chosen = fill(load_project(), remark, **chosen)
    with Bar() as bar:
        manifest = export(
            *(models or ()),
            out=out,
            data=chosen["data"],
            preset=chosen["preset"] or "iot",
            settings=options.pairs(settings, "--set"),
            modes=options.modes(mode) if mode is not None else None,
            precisions=options.precisions(precision, ("fp32", "int8-dynamic")),
            devices=options.names(device),
            checkpoint=checkpoint,
            seed=seed,
            shapes=options.shapes(shape),
            set_inputs=options.pairs(set_input, "--set-input"),
            states=options.pairs(state, "--state"),
            attention=attention,
            accuracy_drop=options.share(accuracy_drop, "--accuracy-drop"),
            force=force,
            progress=bar,
            say=remark,
        )
    for line in (*manifest.dropped, *dict.fromkeys(note for one in manifest.artifacts for note in one.notes)):
        remark(line)
    if json:
        print_json(manifest)
    else:
        print_table(manifest_table(manifest))
        print_line(f"bundle: {out}")
