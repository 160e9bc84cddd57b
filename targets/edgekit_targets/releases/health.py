"""Does a release run on this device as it was promised: its golden answers, its memory, its pace, its application.

The model runs in a process of its own, which may crash or be killed without harm.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.agent.process import end_with_parent
from edgekit_targets.agent.protocol import Enforce, Open, Opened, Ran, Run
from edgekit_targets.errors import CheckFailed
from edgekit_targets.releases.format import GOLDEN, MODEL, Release
from edgekit_targets.releases.times import PROBE_SECONDS
from edgekit_targets.spawn import say_exit

_HANDLE = "release"
_SAMPLES, _SECONDS, _WARMUP_SECONDS = 300, 10.0, 0.2
_CHANCE = 0.01
"""How rarely a model that just meets its p99 may be called too slow by one slice; it takes two slices to fail."""
_P99 = 0.99
_FEW_RUNS, _FEW_SECONDS = 20, 5.0
_QUOTED = 200


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Times since the scheduled arrival at a pace, of the inference alone in a closed loop.

    ``late`` of ``samples`` were above ``limit_seconds``; ``worst_seconds`` is the longest.
    """

    every_seconds: float | None
    limit_seconds: float
    samples: int
    late: int
    worst_seconds: float


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What was found of a release before the switch. Null where nothing was measured: ``notes`` say why."""

    max_abs_error: float
    """The golden vectors against their answers; at most ``tolerance``."""
    tolerance: float
    memory_bytes: int | None
    """What the model added to its process at most."""
    process_memory_bytes: int | None
    memory_limited_by: Literal["control group", "high-water mark"] | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Health:
    """What was found of the current release, after the switch. Null where nothing was asked: ``notes`` say why."""

    max_abs_error: float
    tolerance: float
    pace: Pace | None
    command: Literal["succeeded"] | None
    notes: tuple[str, ...] = ()


def try_out(folder: Path, release: Release) -> Trial:
    """Run the golden vectors within the limits of memory.

    Where the kernel can hold a process to a limit it does so; elsewhere the high-water mark is read afterwards.

    Raises:
        CheckFailed: an answer is wrong, or it needs more memory than it may.
        AgentFailed: the process that ran it died.
        InputError: the runtime is missing, or refuses the model.
    """
    with LocalAgent() as agent:
        opened = _open(agent, folder, release)
        limited, notes = _limit(agent, folder, release, opened)
    assert opened.parity is not None
    added, process = _memory(opened)
    return Trial(
        max_abs_error=opened.parity.max_abs_error,
        tolerance=opened.parity.tolerance,
        memory_bytes=added,
        process_memory_bytes=process,
        memory_limited_by=limited,
        notes=notes,
    )


def probe(folder: Path, release: Release, command: str | None = None, seconds: float = PROBE_SECONDS) -> Health:
    """Run the golden vectors, hold the pace, and ask the application's own command, for at most ``seconds``.

    The command is one line for the shell. It finds the folder of the release in ``EDGEKIT_RELEASE`` and succeeds with
    exit code 0.

    Raises:
        CheckFailed: an answer is wrong, it is too slow, needs more memory than it may, or the command fails.
        AgentFailed: the process that ran it died.
    """
    with LocalAgent() as agent:
        opened = _open(agent, folder, release)
        pace = _keep_pace(agent, release)
    if command is not None:
        run_command(command, folder, seconds)
    assert opened.parity is not None
    return Health(
        max_abs_error=opened.parity.max_abs_error,
        tolerance=opened.parity.tolerance,
        pace=pace,
        command=None if command is None else "succeeded",
        notes=() if pace is not None else ("pace: the release has no limit for its p99",),
    )


def too_slow(late: int, samples: int) -> bool:
    """Whether so many answers above the p99 limit say that more than one in a hundred are.

    A one-sided exact binomial test (Clopper and Pearson, 1934) that p99 is at the limit. It takes samples as
    independent, which bursts of a neighbour are not.
    """
    rate = 1.0 - _P99
    fewer = sum(math.comb(samples, many) * rate**many * _P99 ** (samples - many) for many in range(late))
    return 1.0 - fewer < _CHANCE


def run_command(command: str, folder: Path, seconds: float) -> None:
    """Run the application's command, and all it starts, for at most so long.

    Raises:
        CheckFailed: it ends with another exit code than 0, or not in time.
    """
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        env={**os.environ, "EDGEKIT_RELEASE": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=end_with_parent,
    )
    said = b""
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        pass  # or it has ended, and something that it left behind holds its output
    finally:
        code = process.poll()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    if code != 0:
        how = f"did not end within {seconds:g} s" if code is None else say_exit(code)
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2][-_QUOTED:]
        raise CheckFailed(f"--probe {command!r} {how}" + (f": {last}" if last else ""))


def _request(folder: Path, release: Release) -> Open:
    return Open(
        handle=_HANDLE,
        file=str(folder / MODEL),
        sha256=release.sha256,
        target=release.session.target,
        inputs=release.session.shapes,
        golden=str(folder / GOLDEN),
        tolerance=release.golden.tolerance,
        states=release.states,
        options=release.session.options,
    )


def _open(agent: LocalAgent, folder: Path, release: Release) -> Opened:
    opened = agent.open(_request(folder, release))
    parity = opened.parity
    assert parity is not None
    if not parity.passed:
        raise CheckFailed(
            f"{folder}: the golden vectors do not come back on this device: the largest error is "
            f"{parity.max_abs_error:.3g}, the tolerance {parity.tolerance:.3g}"
        )
    used = _memory(opened)
    for what, found, limit in (
        ("the model adds", used[0], release.limits.memory_bytes),
        ("the process takes", used[1], release.limits.process_memory_bytes),
    ):
        if limit is not None and found is not None and found > limit:
            raise CheckFailed(f"{folder}: {what} {_mib(found)} on this device, the limit is {_mib(limit)}")
    return opened


def _memory(opened: Opened) -> tuple[int | None, int | None]:
    """What the model added to its process at most, and what all of it took."""
    if opened.memory is None:
        return None, opened.process_peak_bytes
    return opened.memory.added_bytes, opened.memory.peak_bytes


def _limit(
    agent: LocalAgent, folder: Path, release: Release, opened: Opened
) -> tuple[Literal["control group", "high-water mark"] | None, tuple[str, ...]]:
    """Once more where the kernel holds it to the limit; says what held it."""
    sizes = []
    if release.limits.process_memory_bytes is not None:
        sizes.append(release.limits.process_memory_bytes)
    if release.limits.memory_bytes is not None and opened.memory is not None:
        sizes.append(opened.memory.baseline_bytes + release.limits.memory_bytes)
    if not sizes:
        limits = release.limits.memory_bytes, release.limits.process_memory_bytes
        why = "the release has no limit for it" if limits == (None, None) else "it was not measured here"
        return None, (f"memory: {why}",)
    agent.close(_HANDLE)
    few = Run(handle=_HANDLE, samples=_FEW_RUNS, max_seconds=_FEW_SECONDS, warmup_seconds=0.0)
    enforced = agent.enforce(Enforce(model=_request(folder, release), run=few, limit_bytes=int(min(sizes))))
    if enforced.lived is None:
        return "high-water mark", (f"memory: watched, not limited: {enforced.reason}",)
    if not enforced.lived:
        raise CheckFailed(f"{folder}: within {_mib(min(sizes))} on this device {enforced.reason}")
    return "control group", ()


def _keep_pace(agent: LocalAgent, release: Release) -> Pace | None:
    """Time it as it was measured; a slice that is too slow is timed once more, since a neighbour may pass by."""
    limit = release.limits.p99_seconds
    if limit is None:
        return None
    for last in (False, True):
        ran = agent.run(
            Run(
                handle=_HANDLE,
                samples=_SAMPLES,
                max_seconds=_SECONDS,
                warmup_seconds=_WARMUP_SECONDS,
                every_seconds=release.every_seconds,
            )
        )
        times = _times(ran)
        late = sum(seconds > limit for seconds in times)
        if not too_slow(late, len(times)):
            break
        if last:
            raise CheckFailed(
                f"release {release.artifact} is too slow on this device: {late} of {len(times)} answers took longer "
                f"than the p99 of {limit * 1e3:.3g} ms that it may take, twice; the longest {max(times) * 1e3:.3g} ms"
            )
    return Pace(
        every_seconds=release.every_seconds,
        limit_seconds=limit,
        samples=len(times),
        late=late,
        worst_seconds=max(times),
    )


def _times(ran: Ran) -> tuple[float, ...]:
    return ran.seconds if ran.response_seconds is None else ran.response_seconds


def _mib(size: float) -> str:
    return f"{size / 2**20:.1f} MiB"
