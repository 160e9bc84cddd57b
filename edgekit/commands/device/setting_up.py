"""``edgekit device setup``: what a device needs to measure, fetched here and put there."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.commands.options import Json

NAME = "setup"
EXAMPLE = "edgekit device setup pi --runtime onnxruntime==1.24.4"


def run(
    devices: Annotated[
        str, typer.Argument(metavar="NAME,...", help="Names from edgekit.toml, or ssh://user@host[:port].")
    ],
    runtime: Annotated[
        str | None,
        typer.Option(
            "--runtime",
            metavar="R,...",
            help="The version that your application has: onnxruntime==1.24.4; or openvino, or both.",
        ),
    ] = None,
    releases: Annotated[
        bool, typer.Option("--releases", help="Also cryptography, by which the device verifies releases.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take everything of edgekit but releases away from the device.")
    ] = False,
    json: Json = False,
) -> int:
    """Put numpy and ONNX Runtime on a device that may have neither internet nor pip.

    The wheels for its processor and Python are fetched here, checked by hash, sent over ssh, unpacked into ~/.edgekit
    apart from the system's packages, and tried before they are used. The agent goes there too.
    """
    from edgekit.commands.fleet import end
    from edgekit.commands.options import names
    from edgekit.devices.connect import reach
    from edgekit.devices.setup import Removed, SetUp, set_up, tear_down
    from edgekit.devices.several import on_each
    from edgekit.devices.wheels import cache_folder, requirements_for
    from edgekit.project.load import load_project
    from edgekit.terminal.output import print_line
    from edgekit.terminal.progress import Bar
    from edgekit_targets.progress import Progress

    own = load_project().devices
    requirements = requirements_for(runtime, releases=releases)

    def work(device: str, progress: Progress) -> SetUp | Removed:
        with reach(device, own) as place:
            if remove:
                return Removed(device=device, kept=tuple(tear_down(place)))
            return set_up(place, cache_folder(), progress, requirements)

    with Bar() as bar:
        outcomes = on_each(names(devices), work, bar)

    def told(device: str, found: SetUp | Removed) -> None:
        if isinstance(found, Removed) and found.kept:
            print_line(
                f"{device}: what measures is gone; its releases and their keys are kept ({', '.join(found.kept)})"
            )
        elif isinstance(found, Removed):
            print_line(f"{device}: nothing of edgekit is left there")
        else:
            versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
            sent, there = found.sent_bytes / 1e6, found.unpacked_bytes / 1e6
            print_line(f"{device}: {versions} ({sent:.0f} MB sent, {there:.0f} MB there)")

    return end(outcomes, told, json=json)
