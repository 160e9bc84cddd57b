"""Options that several commands share: what they are called, what they say, how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgekit_targets.errors import InputError

if TYPE_CHECKING:
    from edgekit_targets.types.manifest import Mode, Precision

Bundle = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A folder made by edgekit export or compare.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
Device = Annotated[
    str | None,
    typer.Option(
        "--device", metavar="NAME", help="The machine to measure on: local (the default), or a name of yours."
    ),
]
Devices = Annotated[
    str, typer.Argument(metavar="NAME,...", help="Names from edgekit.toml, ssh://user@host[:port], or local.")
]
Model = Annotated[
    str, typer.Option("--name", metavar="N", help="Of the application's model; one device may have several.")
]
Targets = Annotated[
    str | None,
    typer.Option("--target", metavar="T,...", help="cpu, openvino, cuda; by default every one that can run."),
]
Threads = Annotated[
    str | None,
    typer.Option("--threads", metavar="N,...", help="Threads of the runtime, each measured; by default 1."),
]
Every = Annotated[
    str | None,
    typer.Option(
        "--every", metavar="P", help="An input each period, e.g. 20ms; none: a closed loop. Streams: 20ms by default."
    ),
]
Data = Annotated[
    str | None,
    typer.Option("--data", metavar="D", help="aeon:NAME, npz:FILE, text:remarks or package.module:callable."),
]
Preset = Annotated[
    str | None, typer.Option("--preset", metavar="P", help="Sizes of the pair: seed, iot (the default), mid or 10m.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one size or training setting; may be repeated."),
]
Shapes = Annotated[
    list[str] | None,
    typer.Option("--shape", metavar="NAME=1x100x6", help="Shape of an input of a model of your own; may be repeated."),
]
SetInputs = Annotated[
    list[str] | None,
    typer.Option("--set-input", metavar="NAME=VALUE", help="Make an input of an .onnx file a constant."),
]
StatePairs = Annotated[
    list[str] | None,
    typer.Option("--state", metavar="IN=OUT", help="A state of an .onnx file, where names do not tell."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Fixes weights, training and the validation split.")]
Budget = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="B",
        help='"p99=20ms, memory=64MiB", a name of yours, an example (imu-50hz), or a TOML file.',
    ),
]
Prefer = Annotated[
    str | None,
    typer.Option(
        "--prefer",
        metavar="M,...",
        help="What decides, in this order, among candidates that fit; by default accuracy,cpu,memory,size.",
    ),
]

Exhaustive = Annotated[
    bool, typer.Option("--exhaustive", help="Measure every candidate to the end, even one that is decided.")
]


def trains(models: list[str] | None) -> bool:
    """Whether any of these models, or the pair that none stands for, is trained here; a user's are not."""
    return not models or any(not model.endswith((".onnx", ".pt2")) and ":" not in model for model in models)


def names(text: str | None) -> list[str]:
    """Read a comma-separated list; none of it means the default."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def whole_numbers(text: str | None, option: str) -> list[int]:
    """Read a comma-separated list of positive whole numbers.

    Raises:
        InputError: an entry is no positive whole number.
    """
    numbers = []
    for part in names(text):
        if not part.isdecimal() or int(part) < 1:
            raise InputError(f"{option} {part!r} is not a positive whole number; write e.g. {option} 1,2")
        numbers.append(int(part))
    return list(dict.fromkeys(numbers))


def share(text: str, option: str) -> float:
    """Read a share above 0 and up to 1: ``0.01`` or ``1%``.

    Raises:
        InputError: no such share.
    """
    return _quantity(text, option, "share", "1%")


def duration(text: str, option: str) -> float:
    """Read a time in seconds: ``120s`` or ``500ms``.

    Raises:
        InputError: no such time.
    """
    return _quantity(text, option, "time", "120s")


def _quantity(text: str, option: str, kind: Literal["share", "time"], example: str) -> float:
    from edgekit.budget.units import UnitError, parse_quantity

    try:
        return parse_quantity(text, kind)
    except UnitError as error:
        raise InputError(f"{option} {error}; write e.g. {option} {example}") from error


def pairs(entries: list[str] | None, option: str) -> dict[str, str]:
    """Read repeated ``key=value`` entries.

    Raises:
        InputError: an entry without ``=``, or a key given twice.
    """
    found: dict[str, str] = {}
    for entry in entries or []:
        key, equals, value = entry.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise InputError(f"{option} {entry!r} is not of the form KEY=VALUE")
        if key.strip() in found:
            raise InputError(f"{option} gives {key.strip()!r} more than once; keep one")
        found[key.strip()] = value.strip()
    return found


def shapes(entries: list[str] | None) -> dict[str, tuple[int, ...]]:
    """Read repeated ``--shape name=1x100x6`` entries.

    Raises:
        InputError: an entry that is no shape.
    """
    found: dict[str, tuple[int, ...]] = {}
    for name, text in pairs(entries, "--shape").items():
        sizes = text.lower().split("x")
        if not all(size.isdecimal() and 1 <= int(size) <= 1_000_000 for size in sizes):
            raise InputError(f"--shape {name}={text} is no shape; write e.g. --shape {name}=1x100x6")
        found[name] = tuple(int(size) for size in sizes)
    return found


def modes(text: str) -> tuple[Mode, ...]:
    """Read ``--mode``.

    Raises:
        InputError: an unknown mode.
    """
    from edgekit_targets.types.manifest import MODES

    known: dict[str, Mode] = {mode: mode for mode in MODES}
    for name in names(text):
        if name not in known:
            raise InputError(f"--mode {name!r} is unknown; choose from {', '.join(known)}")
    return tuple(dict.fromkeys(known[name] for name in names(text))) or ("window",)


def precisions(text: str | None, default: tuple[Precision, ...]) -> tuple[Precision, ...]:
    """Read ``--precision``.

    Raises:
        InputError: an unknown precision.
    """
    from edgekit_targets.types.manifest import PRECISIONS

    chosen: list[Precision] = []
    for name in names(text):
        known = next((precision for precision in PRECISIONS if precision == name), None)
        if known is None:
            raise InputError(f"--precision {name!r} is unknown; choose from {', '.join(PRECISIONS)}")
        chosen.append(known)
    return tuple(dict.fromkeys(chosen)) or default
