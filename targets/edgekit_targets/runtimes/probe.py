"""What can run here, found out in processes of their own.

A wheel built for newer processors dies while it is imported (ONNX Runtime 1.21.0 on a Raspberry Pi 4, issue 23957), and
that must become a line in a table, not the end of the agent.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from itertools import groupby

from edgekit_targets.errors import InputError
from edgekit_targets.records import dumps, loads, parse
from edgekit_targets.runtimes import TARGETS, find
from edgekit_targets.runtimes.contract import Target
from edgekit_targets.runtimes.packages import install, present
from edgekit_targets.spawn import environment, python_module, say_exit
from edgekit_targets.types.target import TargetStatus

_LIMIT_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class _Statuses:
    statuses: tuple[TargetStatus, ...]


def probe_all() -> tuple[TargetStatus, ...]:
    """One status for each known target, in their order."""
    groups = [(module, list(targets)) for module, targets in groupby(TARGETS, key=lambda target: target.module)]
    running = [_start(targets) if present(module) else None for module, targets in groups]
    found: list[TargetStatus] = []
    for (_, targets), process in zip(groups, running, strict=True):
        found += [target.status() for target in targets] if process is None else _collect(targets, process)
    return tuple(found)


def _start(targets: list[Target]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        python_module("edgekit_targets.runtimes.probe", *(target.name for target in targets)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )


def _collect(targets: list[Target], process: subprocess.Popen[bytes]) -> list[TargetStatus]:
    module = targets[0].module
    try:
        output, _ = process.communicate(timeout=_LIMIT_SECONDS)
        if process.returncode == 0:
            data = loads(output.decode("utf-8", "replace").rpartition("\n")[2], f"the probe of {module}")
            return list(parse(_Statuses, {"statuses": data}, f"the probe of {module}").statuses)
        reason = f"importing {module} {say_exit(process.returncode)}"
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        reason = f"importing {module} took longer than {_LIMIT_SECONDS:.0f} s"
    except InputError as error:
        reason = f"importing {module} went wrong ({error})"
    return [
        TargetStatus(
            name=target.name,
            summary=target.summary,
            available=False,
            version=None,
            reason=reason,
            remedy=install(target.extra, "--force-reinstall"),
        )
        for target in targets
    ]


def main(names: list[str]) -> None:
    """Print the statuses of ``names`` as the last line."""
    sys.stdout.write("\n" + dumps([find(name).status() for name in names]))


if __name__ == "__main__":
    main(sys.argv[1:])
