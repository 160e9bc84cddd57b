"""The evidence of a bundle, gathered for one question and held against its limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.budget.budget import Budget
from edgekit.decision.figures import Evidence, evidence_of, soaked_figures
from edgekit.decision.judge import judge
from edgekit.decision.more import explained
from edgekit.profiling.pace import Pace, choose_pace
from edgekit.profiling.plan import STEP, length_for
from edgekit.profiling.store import FOLDER, count_copies, newest, one_device, read_profiles
from edgekit_targets.bundle import read_manifest
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.types.manifest import MODES, Manifest, Mode
from edgekit_targets.types.profile import Measurement, Profile
from edgekit_targets.types.verdict import Candidate

Judged = list[tuple[Evidence, Candidate]]
_NEEDS_PACE = ("cpu", "deadline_miss")


@dataclass(frozen=True)
class Weighed:
    """Every candidate with its limits, at the batch, length and pace asked for.

    ``elsewhere`` are the measurements of the same machine at other shapes and paces; ``notes`` say what was left out.
    """

    manifest: Manifest
    budget: Budget
    profiles: list[tuple[Path, Profile]]
    judged: Judged
    elsewhere: list[Evidence]
    batch: int
    length: int
    notes: tuple[str, ...]

    @property
    def fitting(self) -> list[Evidence]:
        """Those that meet every limit."""
        return [one for one, candidate in self.judged if fits(candidate)]


def fits(candidate: Candidate) -> bool:
    """Whether a candidate may be picked: every limit met, by a valid measurement."""
    return candidate.status == "pass" and candidate.valid


def weigh(
    bundle: Path,
    budget: Budget,
    *,
    device: str | None = None,
    batch: int = 1,
    length: int | None = None,
    modes: Sequence[Mode] = MODES,
    every: Pace | None = None,
    soaked: bool = False,
) -> Weighed:
    """Hold every candidate of a bundle against a budget; see :func:`edgekit.decision.pick.pick` for the arguments.

    Raises:
        InputError: no bundle, a profile that cannot be right, profiles of several machines, limits that the pace asked
            for leaves unmeasured, or nothing measured at that batch, length and pace.
        Undecided: nothing was measured yet, or only files that have changed since.
    """
    _check_pace(budget, every, modes)
    manifest = read_manifest(bundle)
    profiles = read_profiles(bundle, device)
    if not profiles:
        raise Undecided(f"{bundle} holds no measurement; take some with: edgekit profile {bundle}")
    one_device(profiles)
    measurements = newest([profile for _, profile in profiles], manifest)
    stale = _stale([profile for _, profile in profiles], manifest)
    if not measurements:
        raise Undecided(
            f"{_counted(stale)} in {bundle / FOLDER}, all of other files (their hash is not that of the bundle's "
            f"artifacts); measure these with: edgekit profile {bundle}"
        )
    length = length if length is not None else _own_length(manifest, measurements)
    at_shape = [one for one in measurements if (one.batch, one.length) == (batch, length_for(one.mode, length))]
    paces = {mode: choose_pace(at_shape, mode, every) for mode in modes}
    asked = [one for one in at_shape if one.mode in paces and one.every_seconds == paces[one.mode]]
    evidence = evidence_of(manifest, list(map(soaked_figures, asked)) if soaked else asked)
    if not evidence:
        raise InputError(
            f"nothing was measured at --batch {batch} and --length {length} in that mode and pace; profile it so"
        )
    left = [one for one in measurements if one.mode in modes and one not in asked]
    notes = [f"{_counted(stale)} of files that have changed since (other hash) left out"] if stale else []
    copies = 0 if device is not None else count_copies(bundle, len(profiles))
    if copies:
        notes.append(
            f"{copies} of the profiles {'is a copy' if copies == 1 else 'are copies'}: what was measured counts once"
        )
    return Weighed(
        manifest=manifest,
        budget=budget,
        profiles=profiles,
        judged=[(one, explained(judge(one, budget.limits), one.measurement)) for one in evidence],
        elsewhere=evidence_of(manifest, left),
        batch=batch,
        length=length,
        notes=tuple(notes),
    )


def _check_pace(budget: Budget, every: Pace | None, modes: Sequence[Mode]) -> None:
    """A closed loop has no deadlines and no share of a core: a question that asks for both has no answer."""
    if every is not None and all(every.of(mode) is None for mode in modes):
        asked = [limit.name for limit in budget.limits if limit.name in _NEEDS_PACE]
        if asked:
            raise InputError(
                f"--every none contradicts the limit on {asked[0]}, which only a pace tells; write e.g. --every 20ms, "
                "or leave that limit out"
            )


def _stale(profiles: Sequence[Profile], manifest: Manifest) -> int:
    hashes = {artifact.id: artifact.sha256 for artifact in manifest.artifacts}
    return sum(hashes.get(one.artifact) != one.sha256 for profile in profiles for one in profile.measurements)


def _counted(measurements: int) -> str:
    return f"{measurements} measurement{'' if measurements == 1 else 's'}"


def _own_length(manifest: Manifest, measurements: Sequence[Measurement]) -> int:
    if manifest.data is not None:
        return manifest.data.length
    lengths = sorted({measurement.length for measurement in measurements if measurement.mode == "window"}) or [STEP]
    if len(lengths) == 1:
        return lengths[0]
    raise InputError(f"lengths {', '.join(map(str, lengths))} were measured; say which with --length")
