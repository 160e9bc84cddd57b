"""Taking the samples: fresh processes, interleaved in random balanced order.

Two candidates timed one after the other differ by whatever the machine did in between (9 % between runs on a quiet
machine, against 2 % interleaved). So candidates are loaded a few at a time and take turns in slices of a few dozen
inferences, in an order drawn anew for every round; each comes back in several fresh processes spread over the whole
run (Georges et al., OOPSLA 2007). Candidates that will be compared with each other are loaded together, so that each
round has a slice of both. After each launch of all, a referee may say who need not go on.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from edgekit.profiling.plan import Plan, Subject
from edgekit.statistics.paired import Round
from edgekit_targets.agent.contract import Agent
from edgekit_targets.agent.protocol import EnergyUsed, Open, Opened, Ran, Run
from edgekit_targets.errors import AgentFailed, AgentGone, EdgekitError
from edgekit_targets.types.manifest import REFERENCE_PAIR
from edgekit_targets.types.profile import Enforced


@dataclass
class Taken:
    """What one subject gave so far: one ``opened`` a launch, one ``ran`` a slice, and why it stopped, if it did.

    ``places`` has the launch and the round of each slice. Launches are numbered over all subjects: two slices with the
    same numbers were taken in turn, if their subjects were loaded together.
    """

    subject: Subject
    opened: list[Opened] = field(default_factory=list)
    slices: list[Ran] = field(default_factory=list)
    places: list[Round] = field(default_factory=list)
    retaken: int = 0
    soaked: list[list[Ran]] = field(default_factory=list)
    energy: list[Ran] = field(default_factory=list)
    idle: list[EnergyUsed] = field(default_factory=list)
    energy_reason: str | None = None
    enforced: Enforced | None = None
    failure: str | None = None
    stopped: str | None = None
    """Why more of it would be pointless."""
    complete: bool = False
    earlier_launches: int = 0
    earlier_seconds: float = 0.0
    """Of earlier runs, which this one goes on from."""

    @property
    def seconds(self) -> float:
        """How long it was measured for."""
        return sum(ran.wall_seconds for ran in self.slices)

    @property
    def launches(self) -> str:
        """``5 launches``."""
        return f"{len(self.opened)} launch{'' if len(self.opened) == 1 else 'es'}"


Referee = Callable[[Sequence[Taken]], None]
"""Sets ``stopped`` of those that need not go on; called before the first launch and after each."""
Keeper = Callable[[Taken, int], None]
"""Told of each launch of a subject that is over; the number is that of the launch."""


def take(
    agent: Agent,
    taken: Sequence[Taken],
    plan: Plan,
    advance: Callable[[], None],
    *,
    keep: Keeper = lambda one, launch: None,
    referee: Referee = lambda taken: None,
) -> None:
    """Measure, adding to ``taken`` as samples come in, so that an interruption loses nothing.

    Args:
        agent: on the device; already greeted.
        taken: one entry a subject, empty at first or with the launches of an earlier run.
        plan: how much.
        advance: called after every slice, done or skipped.
        keep: puts a launch where it survives this process.
        referee: says who need not go on; by default everybody does, to the end of the plan.
    """
    order = random.Random(plan.seed)  # noqa: S311 (an order to measure in, no secret)
    launch = 1 + max((place[0] for one in taken for place in one.places), default=-1)
    while True:
        referee(taken)
        going = [one for one in taken if one.failure is None and one.stopped is None and not _done(one, plan)]
        if not going or (
            plan.total_seconds is not None
            and sum(one.seconds - one.earlier_seconds for one in taken) >= plan.total_seconds
        ):
            break
        for group in groups(going, plan.alive, order):
            _launch(agent, {f"{launch}.{one.subject.key}": one for one in group}, launch, plan, order, advance)
            for one in group:
                if one.failure is None:
                    keep(one, launch)
        launch += 1
    for one in taken:
        one.complete = one.failure is None and one.stopped is None


def _done(one: Taken, plan: Plan) -> bool:
    """Whether the plan's end is reached; what earlier runs took counts for the least, not against the most."""
    if len(one.opened) < plan.launches:
        return False
    if plan.most_seconds is None:
        return True
    return one.seconds - one.earlier_seconds >= plan.most_seconds or (
        len(one.opened) - one.earlier_launches >= plan.most_launches
    )


def groups(taken: Sequence[Taken], alive: int, order: random.Random) -> list[list[Taken]]:
    """Everybody in random order, at most ``alive`` at a time, and together what is going to be compared.

    That is first the precisions of one model, run alike, then the two models of the reference pair.
    """
    kin: dict[object, dict[object, list[Taken]]] = {}
    for one in order.sample(taken, len(taken)):
        family = one.subject.artifact.family
        alike = one.subject.alike
        house = kin.setdefault((alike, "pair" if family in REFERENCE_PAIR else family), {})
        house.setdefault(family, []).append(one)
    units = [
        unit
        for house in kin.values()
        for unit in (
            [[one for family in house.values() for one in family]]
            if sum(map(len, house.values())) <= alive
            else house.values()
        )
    ]
    found: list[list[Taken]] = []
    for unit in order.sample(units, len(units)):
        pieces = [unit[start : start + alive] for start in range(0, len(unit), alive)]
        for piece in pieces:
            room = next((group for group in found if len(group) + len(piece) <= alive), None)
            if room is None:
                found.append(list(piece))
            else:
                room.extend(piece)
    return found


def _launch(
    agent: Agent,
    group: Mapping[str, Taken],
    launch: int,
    plan: Plan,
    order: random.Random,
    advance: Callable[[], None],
) -> None:
    for handle, one in group.items():
        with _contained(one):
            one.opened.append(open_subject(agent, handle, one.subject))
    for turn in range(plan.rounds):
        for handle in order.sample(list(group), len(group)):
            one = group[handle]
            if one.failure is None:
                with _contained(one):
                    one.slices.append(_slice(agent, one, _run(handle, one.subject, plan)))
                    one.places.append((launch, turn))
            advance()
    # Not in a finally: whoever interrupts leaves the agent, which then ends its workers; it may be in mid-reply here.
    for handle in group:
        agent.close(handle)


def _slice(agent: Agent, one: Taken, request: Run) -> Ran:
    """One slice; one that other processes disturbed is taken once more, and the second counts whatever it is."""
    ran = agent.run(request)
    if not any(found.kind == "load" for found in ran.disturbances):
        return ran
    one.retaken += 1
    return agent.run(request)


@contextmanager
def _contained(one: Taken) -> Iterator[None]:
    """A failure ends this subject, not the run; without an agent there is nothing left to run.

    Raises:
        AgentGone: the agent itself has ended.
    """
    try:
        yield
    except AgentGone:
        raise
    except EdgekitError as error:
        one.failure = str(error)


def open_subject(agent: Agent, handle: str, subject: Subject) -> Opened:
    """Load this subject; where the runtime crashes over fixed shapes, once more with free ones, and say so.

    OpenVINO 2026.4.1 does so over the step of a Transformer's stream. A refusal in words the target deals with itself.

    Raises:
        EdgekitError: it cannot be loaded either way.
    """
    request = open_request(handle, subject)
    try:
        return agent.open(request)
    except AgentGone:
        raise
    except AgentFailed as error:
        if not request.options.fixed_shapes or subject.target == "openvino:NPU":
            raise
        refused = f"the shapes are free: with fixed ones {error}"
    free = dataclasses.replace(request, options=dataclasses.replace(request.options, fixed_shapes=False))
    opened = agent.open(free)
    facts = None if opened.facts is None else dataclasses.replace(opened.facts, refused=refused)
    return dataclasses.replace(opened, facts=facts, warnings=(*opened.warnings, refused))


def open_request(handle: str, subject: Subject) -> Open:
    """Load this subject, and run its golden inputs again where it has any."""
    parity = subject.artifact.parity
    return Open(
        handle=handle,
        file=str(subject.file.resolve()),
        sha256=subject.artifact.sha256,
        target=subject.target,
        options=subject.options,
        inputs=dict(subject.inputs),
        golden=str(subject.golden.resolve()) if subject.golden is not None else None,
        tolerance=parity.tolerance if parity is not None else None,
        states=subject.artifact.states,
    )


def _run(handle: str, subject: Subject, plan: Plan) -> Run:
    return Run(
        handle=handle,
        samples=plan.slice_samples,
        max_seconds=plan.slice_seconds(subject.every_seconds),
        warmup_seconds=plan.warmup_seconds,
        every_seconds=subject.every_seconds,
    )
