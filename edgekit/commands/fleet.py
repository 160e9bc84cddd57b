"""How a command that works on one or several devices ends: what each said, and the exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from edgekit.devices.several import Outcome
from edgekit.terminal.output import print_json, remark
from edgekit_targets.progress import Progress

Result = TypeVar("Result")


def with_key(path: Path, devices: str, act: Callable[..., None], does: str, *, json: bool) -> int:
    """Let ``act(device, own devices, key)`` do something about a public key on each device, and tell that it ``does``.

    Raises:
        InputError: no such key; with one device also what ended it.
    """
    from edgekit.commands.options import names
    from edgekit.devices.several import on_each
    from edgekit.project.load import load_project
    from edgekit.terminal.output import print_line
    from edgekit.terminal.progress import Bar
    from edgekit_targets.signing.keys import read_public_key

    key = read_public_key(path)
    own = load_project().devices

    def work(name: str, progress: Progress) -> dict[str, object]:
        act(name, own, key)
        return {"schema_version": 1, "device": name, "key": key.id}

    with Bar() as bar:
        outcomes = on_each(names(devices), work, bar)
    return end(outcomes, lambda name, _: print_line(f"{name} {does} key {key.id[:16]}"), json=json)


def end(outcomes: Sequence[Outcome[Result]], told: Callable[[str, Result], None], *, json: bool) -> int:
    """Tell every device's result, or its error in one line; the exit code is that of the gravest error.

    With one device its error is raised, as without any devices, and its document printed alone.

    Raises:
        EdgekitError: the one device's.
    """
    if len(outcomes) == 1:
        (one,) = outcomes
        if one.error is not None:
            raise one.error
        if json:
            print_json(one.result)
        else:
            told(one.device, one.result)  # type: ignore[arg-type]
        return 0
    if json:
        devices = [
            {"device": one.device, "result": one.result, "error": None if one.error is None else str(one.error)}
            for one in outcomes
        ]
        print_json({"schema_version": 1, "devices": devices})
    for one in outcomes:
        if one.error is not None:
            remark(f"{one.device}: {one.error}")
        elif not json:
            told(one.device, one.result)  # type: ignore[arg-type]
    return max((one.error.exit_code for one in outcomes if one.error is not None), default=0)
