"""How a command that works on one or several devices ends: what each said, and the exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from edgekit.devices.several import Outcome
from edgekit.terminal.output import print_json, remark

Result = TypeVar("Result")


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
