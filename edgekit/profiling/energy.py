"""Energy of one inference above idle, in slices of its own: sources of energy are slow and need long ones.

The hardware is left idle for some seconds before and after; the candidates run in between, one after the other, each in
a fresh process at its pace. What a source tells covers the whole machine, so what it drew when idle is taken off:
(joules of a slice - idle watts x its seconds) / inferences. A candidate takes 10 s where a source tells every 2 s, so
those that a budget has ruled out already are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from edgekit.profiling.measure import Taken, open_request
from edgekit.profiling.soak import most_samples
from edgekit.statistics.means import mean
from edgekit_targets.agent.contract import Agent
from edgekit_targets.agent.protocol import EnergyUsed, Idle, Idled, Run
from edgekit_targets.errors import AgentGone, EdgekitError
from edgekit_targets.progress import Progress
from edgekit_targets.types.profile import Energy, Measurement

SLICES = 5
IDLE_WINDOWS = 4
"""Before the candidates run, and as many after."""
_SHORTEST_SECONDS = 0.5
_FEWEST_ARRIVALS = 20
_NOT_MEASURED = "energy: not measured ("
_LEFT_OUT = "left out, since "


def energy_all(agent: Agent, taken: Sequence[Taken], out: Mapping[str, str], progress: Progress) -> None:
    """Measure the energy of every candidate that could be measured, adding to ``taken``; what cannot has a reason.

    Args:
        agent: on the device; already greeted.
        taken: the candidates.
        out: by key, those whose energy does not matter any more, and why.
        progress: told before every candidate.

    Raises:
        AgentGone: the agent has ended.
    """
    could = [one for one in taken if one.failure is None and one.opened]
    left = [one for one in could if one.subject.key not in out]
    for one in could:
        if one.subject.key in out:
            one.energy_reason = f"{_LEFT_OUT}{out[one.subject.key]}"
    for target in dict.fromkeys(one.subject.target for one in left):
        own = [one for one in left if one.subject.target == target]
        asked = _idle(agent, target, 0.0)
        if isinstance(asked, str):
            for one in own:
                one.energy_reason = asked
            continue
        seconds = max(_SHORTEST_SECONDS, asked.window_seconds or 0.0)
        around = [_idle(agent, target, seconds) for _ in range(IDLE_WINDOWS)]
        for number, one in enumerate(own):
            progress("energy", number, len(own))
            _run(agent, one, seconds)
        progress("energy", len(own), len(own))
        around += [_idle(agent, target, seconds) for _ in range(IDLE_WINDOWS)]
        for one in own:
            one.idle = [idled.energy for idled in around if not isinstance(idled, str)]
            one.energy_reason = one.energy_reason or next((each for each in around if isinstance(each, str)), None)


def summarise_energy(taken: Taken, warnings: list[str]) -> Energy | None:
    """The mean over slices with a 95 % interval that allows for what is not known of the idle power."""
    told = [one.energy.reason for one in taken.energy if one.energy is not None and one.energy.reason is not None]
    reason = next(iter([*told, *filter(None, [taken.energy_reason])]), None)
    idle = mean([[watts for one in taken.idle if (watts := _watts(one)) is not None]])
    slices = [
        (one.energy, one.inferences) for one in taken.energy if one.energy is not None and one.energy.joules is not None
    ]
    if idle is None or not slices:
        warnings.append(f"{_NOT_MEASURED}{reason or 'no slice was taken for it'})")
        return None
    above = [_above(used, count or 1, idle.value) for used, count in slices]
    found = mean([above])
    seconds = sum(used.seconds for used, _ in slices)
    assert found is not None
    low = high = None
    if found.low is not None and found.high is not None and idle.low is not None and idle.high is not None:
        # Errors of the idle power are the same in every slice, so they do not show between slices.
        each = seconds / sum(count or 1 for _, count in slices)
        half = math.hypot((found.high - found.value), (idle.high - idle.value) * each)
        low, high = found.value - half, found.value + half
    if any(one.disturbances or one.warnings for one in taken.energy):
        warnings.append("energy: other work on the machine ran meanwhile and is part of the figure")
    if low is not None and low <= 0.0:
        warnings.append("energy: not told apart from idle; a longer or faster run would tell more")
    return Energy(
        joules_per_inference=found.value,
        low=low,
        high=high,
        source=slices[0][0].source or "",
        idle_watts=idle.value,
        seconds=seconds,
    )


def energy_left_out(one: Measurement) -> bool:
    """Whether its energy was not measured for no other reason than that it could not be picked any more."""
    return any(text.startswith(f"{_NOT_MEASURED}{_LEFT_OUT}") for text in one.warnings)


def _idle(agent: Agent, target: str, seconds: float) -> Idled | str:
    """The energy of doing nothing, or why it cannot be told."""
    try:
        idled = agent.idle(Idle(target=target, seconds=seconds))
    except AgentGone:
        raise
    except EdgekitError as error:
        return str(error)
    return idled if idled.energy.reason is None else idled.energy.reason


def _run(agent: Agent, one: Taken, seconds: float) -> None:
    """All slices of one candidate; that its energy was not measured does not spoil its other figures."""
    handle = f"energy.{one.subject.key}"
    every = one.subject.every_seconds
    try:
        agent.open(open_request(handle, one.subject))
        one.energy += [agent.run(_slice(handle, seconds, every)) for _ in range(SLICES)]
        agent.close(handle)
    except AgentGone:
        raise
    except EdgekitError as error:
        one.energy_reason = str(error)


def _slice(handle: str, seconds: float, every: float | None) -> Run:
    longest = seconds if every is None else max(seconds, _FEWEST_ARRIVALS * every)
    return Run(
        handle=handle,
        samples=most_samples(longest, every),
        max_seconds=longest,
        warmup_seconds=0.0,
        every_seconds=every,
        energy=True,
    )


def _watts(used: EnergyUsed) -> float | None:
    return None if used.joules is None or not used.seconds else used.joules / used.seconds


def _above(used: EnergyUsed, inferences: int, idle_watts: float) -> float:
    return ((used.joules or 0.0) - idle_watts * used.seconds) / inferences
