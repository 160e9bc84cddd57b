"""``profile``: from a bundle to a profile document, reusing what was measured already."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from edgekit.decision.race import Race
from edgekit.devices.address import LOCAL
from edgekit.documents import now
from edgekit.profiling.comparisons import comparisons
from edgekit.profiling.energy import energy_all
from edgekit.profiling.enforce import MemoryLimit, enforce_all
from edgekit.profiling.journal import Entry, Journal, entry_of, go_on
from edgekit.profiling.measure import Keeper, Taken, take
from edgekit.profiling.pace import Pace
from edgekit.profiling.plan import Plan, Subject, subjects
from edgekit.profiling.referee import Referee
from edgekit.profiling.soak import soak_all
from edgekit.profiling.store import FOLDER, Key, key_of, newest, outdated, read_profiles, write_profile
from edgekit.profiling.summarise import summarise
from edgekit.profiling.sweep import crossovers
from edgekit_targets import __version__
from edgekit_targets.agent.contract import Agent
from edgekit_targets.agent.protocol import Welcome
from edgekit_targets.bundle import read_manifest
from edgekit_targets.errors import AgentGone, InputError, WriteFailed
from edgekit_targets.progress import Progress
from edgekit_targets.types.manifest import Manifest
from edgekit_targets.types.profile import SCHEMA_VERSION, Measurement, Profile, disturbed_too_much
from edgekit_targets.types.session import SessionOptions
from edgekit_targets.types.target import TargetStatus


def profile(
    bundle: Path,
    agent: Agent,
    *,
    targets: Sequence[str] = (),
    threads: Sequence[int] = (1,),
    batches: Sequence[int] = (1,),
    lengths: Sequence[int] = (),
    pace: Pace | None = None,
    settings: SessionOptions | None = None,
    soak_seconds: float | None = None,
    enforce: MemoryLimit | None = None,
    fresh: bool = False,
    plan: Plan | None = None,
    race: Race | None = None,
    tell: Callable[[str], None] = lambda line: None,
    progress: Progress,
) -> Profile:
    """Measure every artifact of the bundle on every target and write what is new to ``BUNDLE/profiles/``.

    Args:
        bundle: folder with a manifest.
        agent: on the device to measure on; not greeted yet.
        targets: names; by default every one that can run there.
        threads: thread counts, each measured.
        batches: sequences per inference, each measured.
        lengths: steps per sequence; by default the data's own.
        pace: of each mode; by default a closed loop for windows and an input every 20 ms for streams.
        settings: how sessions run, as far as the target has it; ``threads`` there is not looked at.
        soak_seconds: afterwards hold that pace so long, one candidate after the other; a closed loop without one.
        enforce: run each candidate once more inside this limit.
        fresh: measure again what is there already.
        plan: how much to measure.
        race: decides who need not be measured to the end of the plan; nobody by default.
        tell: takes a line about results of earlier runs that cannot be used.
        progress: told after every slice.

    Returns:
        The profile with all measurements that answer the request, the reused ones included.

    Raises:
        InputError: the bundle, a target or a setting is wrong.
        CheckFailed: an artifact is not the file the manifest describes.
        KeyboardInterrupt: after what was measured has been written.
    """
    plan = plan or Plan()
    manifest = read_manifest(bundle)
    welcome = agent.hello(exclusive=True)
    usable = choose_targets(welcome, targets)
    check_threads(welcome, threads)
    wanted = subjects(
        bundle,
        manifest,
        targets=usable,
        threads=threads,
        batches=batches,
        lengths=lengths,
        pace=pace,
        settings=settings,
    )
    created = now()
    referee = None if race is None else Referee(race, manifest, plan, created)
    anew = fresh or soak_seconds is not None or enforce is not None
    known = {} if anew else _known(bundle, manifest, welcome, tell)
    answers = {key: known[key] for one in wanted if (key := _key(one)) in known}
    kept = list(answers.values())
    kept = [one for one in kept if one.complete] if referee is None else referee.settled(kept)
    # Not by the key of the answer: what was asked for with fixed shapes may have been answered with free ones.
    settled = set(map(id, kept))
    answered = {key for key, one in answers.items() if id(one) in settled}
    taken = [Taken(one) for one in wanted if _key(one) not in answered]
    journal = Journal(bundle / FOLDER, welcome.device, plan)
    entries: list[Entry] = []
    if not fresh:
        found_entries, why = journal.read()
        if why is not None:
            tell(why)
        entries = go_on(taken, found_entries, _versions(welcome))
    document = Profile(
        schema_version=SCHEMA_VERSION,
        edgekit_version=__version__,
        created=created,
        device=welcome.device,
        settings=dataclasses.asdict(plan) | {"interleaved": True, "soak_seconds": soak_seconds},
        measurements=(),
    )
    if taken:
        journal.start(entries)

    def keep(one: Taken, launch: int) -> None:
        entries.append(entry_of(one, launch))
        journal.add(entries[-1])

    try:
        _take_all(agent, taken, plan, progress, keep, referee)
        energy_all(agent, taken, {} if referee is None else referee.out(taken), progress)
        if enforce is not None:
            enforce_all(agent, taken, enforce, progress)
        if soak_seconds is not None:
            soak_all(agent, taken, soak_seconds, progress)
    except AgentGone as error:
        if not entries:
            raise
        told = type(error)(f"{error}; what was measured is kept: run it again to go on")
        for note in getattr(error, "__notes__", ()):
            told.add_note(note)
        raise told from error
    finally:
        measured = tuple(summarise(one, created) for one in taken if one.opened or one.failure is not None)
        if measured:
            _write(bundle, _with(document, measured), journal)
    if taken:
        unfinished = set() if referee is None else referee.unfinished(taken)
        journal.end([one for one in entries if one.subject in unfinished])
    return _with(document, (*kept, *measured))


def _write(bundle: Path, document: Profile, journal: Journal) -> None:
    """Write the profile; where that fails the journal has it all.

    Raises:
        WriteFailed: saying so.
    """
    try:
        write_profile(bundle, document)
    except WriteFailed as error:
        raise WriteFailed(
            f"{error}; what was measured is kept in {journal.path.name}: run it again to go on"
        ) from error


def _with(document: Profile, measurements: tuple[Measurement, ...]) -> Profile:
    return dataclasses.replace(
        document,
        measurements=measurements,
        crossovers=crossovers(measurements),
        comparisons=comparisons(measurements),
    )


def choose_targets(welcome: Welcome, asked: Sequence[str]) -> list[str]:
    """The targets to measure on: those asked for, or all that can run there.

    Raises:
        InputError: a target is unknown or cannot run there; the message has the remedy.
    """
    known = {status.name: status for status in welcome.targets}
    if not asked:
        usable = [name for name, status in known.items() if status.available]
        if not usable:
            first = next(iter(known.values()))
            raise InputError(f"no runtime can run on {welcome.device.name}: {first.reason}; {_remedy(welcome, first)}")
        return usable
    for name in asked:
        status = known.get(name)
        if status is None:
            raise InputError(f"--target {name!r} is unknown; known are {', '.join(known)}")
        if not status.available:
            told = _remedy(welcome, status)
            remedy = f"; {told}" if told else ""
            raise InputError(f"--target {name} cannot run on {welcome.device.name}: {status.reason}{remedy}")
    return list(dict.fromkeys(asked))


def _remedy(welcome: Welcome, status: TargetStatus) -> str | None:
    """A device behind ssh is set up from here, not by pip there."""
    name = welcome.device.name
    if name == LOCAL or status.remedy is None or status.name not in ("cpu", "openvino"):
        return status.remedy
    return f"edgekit device setup {name}" + (" --runtime onnxruntime,openvino" if status.name == "openvino" else "")


def check_threads(welcome: Welcome, threads: Sequence[int]) -> None:
    """Refuse more threads than the machine has cores for.

    Raises:
        InputError: naming the option and what is possible.
    """
    for count in threads:
        if not 1 <= count <= welcome.device.cores:
            raise InputError(
                f"--threads {count}: {welcome.device.name} has {welcome.device.cores} usable cores; "
                f"choose from 1 to {welcome.device.cores}"
            )


def _take_all(
    agent: Agent,
    taken: Sequence[Taken],
    plan: Plan,
    progress: Progress,
    keep: Keeper,
    referee: Referee | None,
) -> None:
    """Measure; how much there is to do is known beforehand only where nobody stops early."""
    slices = plan.launches * plan.rounds
    total = len(taken) * slices - sum(len(one.slices) for one in taken)
    done = 0
    progress("profile", done, total)

    def advance() -> None:
        nonlocal done
        done += 1
        progress("profile", min(done, total), total)

    take(agent, taken, plan, advance, keep=keep, referee=referee or (lambda taken: None))
    progress("profile", total, total)


def _known(bundle: Path, manifest: Manifest, welcome: Welcome, tell: Callable[[str], None]) -> dict[Key, Measurement]:
    """What this machine has measured already with the runtimes it has now, as far as it was meant to be."""
    old = outdated(bundle)
    if old is not None:
        tell(old)
    profiles = [found for _, found in read_profiles(bundle) if found.device.fingerprint == welcome.device.fingerprint]
    versions = _versions(welcome)
    found = {}
    for one in newest(profiles, manifest):
        if (
            (one.complete or one.stopped is not None)
            and not disturbed_too_much(one.disturbed)
            and one.latency is not None
            and one.runtime_version == versions.get(one.target.partition(":")[0])
        ):
            found[key_of(one)] = one
            if one.facts is not None and one.facts.refused is not None:  # asking again would be refused again
                found[key_of(dataclasses.replace(one, fixed_shapes=True))] = one
    return found


def _versions(welcome: Welcome) -> dict[str, str | None]:
    return {status.name: status.version for status in welcome.targets}


def _key(subject: Subject) -> Key:
    return (
        subject.artifact.id,
        subject.artifact.sha256,
        subject.target,
        subject.options,
        subject.batch,
        subject.length,
        subject.every_seconds,
    )
