"""What is shipped: the pick by default, and nothing without valid evidence for the devices it is for.

A verdict may be older than the files and the measurements beside it, so it is not believed: its choice must still be
the file that was measured, and that measurement must still meet the limits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.budget.budget import Budget
from edgekit.decision.figures import Evidence, evidence_of
from edgekit.decision.judge import judge
from edgekit.decision.phrases import breaking
from edgekit.decision.pick import conclude
from edgekit.decision.prefer import DEFAULT, rank
from edgekit.decision.setup import setup_of
from edgekit.decision.store import FOLDER as VERDICTS
from edgekit.decision.store import newest_verdict
from edgekit.decision.weigh import fits, weigh
from edgekit.devices.connect import name_in_profiles
from edgekit.profiling.plan import DEFAULT_SETTINGS, length_for, own_length
from edgekit.profiling.store import newest, one_device, read_profiles
from edgekit.project.contract import OwnDevice
from edgekit_targets.bundle import read_manifest
from edgekit_targets.errors import EdgekitError, InputError, NothingFits, Undecided
from edgekit_targets.toml import nearest
from edgekit_targets.types.manifest import Artifact, Manifest
from edgekit_targets.types.profile import Device, Measurement, Profile
from edgekit_targets.types.session import SessionOptions, options_of
from edgekit_targets.types.verdict import Limit, Verdict


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """An artifact and how it is run. ``--force`` may do without measurement, profile and verdict.

    ``profile`` is the newest that holds the measurement; ``forced`` are the refusals that were overridden.
    """

    manifest: Manifest
    artifact: Artifact
    target: str
    options: SessionOptions
    batch: int
    length: int
    every_seconds: float | None
    limits: tuple[Limit, ...]
    measurement: Measurement | None
    profile: Profile | None
    verdict: Verdict | None
    forced: tuple[str, ...] = ()


def choose(
    bundle: Path,
    *,
    artifact: str | None = None,
    devices: Sequence[str] = (),
    budget: Budget | None = None,
    own: Mapping[str, OwnDevice] | None = None,
    described: Mapping[str, Device] | None = None,
    force: bool = False,
) -> Chosen:
    """Choose what to ship from a bundle.

    Args:
        bundle: folder with a manifest.
        artifact: its id; by default the pick.
        devices: those it is for; none for the one machine that the bundle was measured on.
        budget: judge by these limits; by default by those of the newest verdict.
        own: the project's devices; two of one catalogue entry are of one kind.
        described: what devices say of themselves; one with the same hardware as one that was measured is of its kind.
        force: ship in spite of what the evidence says; needs ``artifact`` where there is no pick.

    Raises:
        InputError: no bundle, an artifact that it does not have, devices whose picks differ.
        Undecided: there is no verdict or no measurement for a device, or a measurement that is not valid.
        NothingFits: nothing meets the limits, or not the artifact asked for.
    """
    manifest = read_manifest(bundle)
    known = {one.id: one for one in manifest.artifacts}
    if artifact is not None and artifact not in known:
        raise InputError(f"--artifact {artifact!r} is not in {bundle}; {nearest(artifact, list(known))}")
    try:
        names = _measured_names(bundle, devices, own or {}, described or {})
        found = [_for_device(bundle, manifest, artifact, name, budget) for name in names]
    except (Undecided, NothingFits) as refusal:
        verdict = newest_verdict(bundle)
        if artifact is None and verdict is not None and verdict.choice is not None:
            artifact = verdict.choice.artifact
        if not force or artifact not in known:
            way = "ship it all the same with --force" if artifact in known else "choose one with --artifact ID --force"
            raise type(refusal)(f"{refusal}; or {way}") from refusal
        return _forced(bundle, known[artifact], manifest, devices, budget, str(refusal))
    runs = {(one.artifact.id, one.target, one.options, one.every_seconds) for one in found}
    if len(runs) > 1:
        told = "; ".join(f"{name}: {one.artifact.id} on {one.target}" for name, one in zip(names, found, strict=True))
        raise InputError(f"--device {','.join(devices)}: their picks differ ({told}); ship to each of them by itself")
    return found[0]


def same_kind(one: Device, other: Device) -> bool:
    """Whether two machines are alike enough for the figures of one to speak for the other."""
    return all(getattr(one, fact) == getattr(other, fact) for fact in ("model", "cpu", "architecture", "isa", "cores"))


def _measured_names(
    bundle: Path, devices: Sequence[str], own: Mapping[str, OwnDevice], described: Mapping[str, Device]
) -> list[str | None]:
    """The names in the bundle's profiles that speak for these devices, each once."""
    if not devices:
        return [None]
    measured = {profile.device.name: profile.device for _, profile in read_profiles(bundle)}
    found: dict[str | None, None] = {}
    for device in devices:
        name = name_in_profiles(device, own)
        kind = own[device].catalogue if device in own else None
        alike = [
            other
            for other, facts in measured.items()
            if (kind is not None and other in own and own[other].catalogue == kind)
            or (device in described and same_kind(described[device], facts))
        ]
        if name not in measured and not alike:
            listed = ", ".join(sorted(measured)) or "nothing"
            raise Undecided(
                f"--device {device}: neither it nor a device of its kind was measured ({listed} was); take some with: "
                f"edgekit profile {bundle} --device {device}"
            )
        found[name if name in measured else alike[0]] = None
    return list(found)


def _for_device(
    bundle: Path, manifest: Manifest, artifact: str | None, device: str | None, budget: Budget | None
) -> Chosen:
    verdict = _verdict(bundle, device, budget)
    if artifact is None and verdict is None:
        raise Undecided(
            f"{bundle / VERDICTS} holds no verdict{_of(device)}; give one with: edgekit pick {bundle} --budget B, or "
            "ship with --budget B"
        )
    profiles = read_profiles(bundle, device)
    one_device(profiles)
    evidence = evidence_of(manifest, newest([profile for _, profile in profiles], manifest))
    if artifact is None:
        assert verdict is not None
        one = _picked(bundle, evidence, verdict)
    else:
        one = _asked(bundle, manifest, evidence, artifact, verdict, device)
    held_by = (profile for _, profile in reversed(profiles) if one.measurement in profile.measurements)
    return _chosen(manifest, one, verdict, next(held_by))


def _verdict(bundle: Path, device: str | None, budget: Budget | None) -> Verdict | None:
    if budget is not None:
        return conclude(weigh(bundle, budget, device=device))
    return newest_verdict(bundle, device)


def _picked(bundle: Path, evidence: Sequence[Evidence], verdict: Verdict) -> Evidence:
    """The evidence behind a verdict's choice, as it is now."""
    choice = verdict.choice
    if choice is None:
        kind = NothingFits if verdict.verdict == "nothing-fits" else Undecided
        raise kind(
            f"the verdict by {verdict.budget} is {verdict.verdict}, so there is nothing to ship: edgekit pick {bundle}"
        )
    shape = (verdict.batch, length_for(choice.mode, verdict.length))
    for one in evidence:
        if setup_of(one.measurement) == setup_of(choice) and (one.measurement.batch, one.measurement.length) == shape:
            _check(one, verdict.limits)
            return one
    raise Undecided(
        f"the pick {choice.artifact} was not measured as it is now (other file, or none of its figures is left); "
        f"measure and judge again: edgekit profile {bundle}, edgekit pick {bundle}"
    )


def _asked(
    bundle: Path,
    manifest: Manifest,
    evidence: Sequence[Evidence],
    artifact: str,
    verdict: Verdict | None,
    device: str | None,
) -> Evidence:
    """The best evidence for one artifact, at the batch and length of the verdict."""
    own = [one for one in evidence if one.artifact.id == artifact]
    if not own:
        raise Undecided(f"{artifact} was not measured{_of(device)}; do so with: edgekit profile {bundle}")
    length = (
        own_length(manifest, own[0].artifact) if verdict is None else length_for(own[0].artifact.mode, verdict.length)
    )
    shape = (1 if verdict is None else verdict.batch, length)
    own = [one for one in own if (one.measurement.batch, one.measurement.length) == shape]
    if not own:
        raise Undecided(f"{artifact} was not measured at batch {shape[0]} and length {shape[1]}; profile it so")
    limits = () if verdict is None else verdict.limits
    choice = None if verdict is None else verdict.choice
    refused: EdgekitError | None = None
    fitting = []
    for one in own:
        try:
            _check(one, limits)
        except (Undecided, NothingFits) as error:
            refused = refused or error
        else:
            fitting.append(one)
    if not fitting:
        assert refused is not None
        raise refused
    same = [one for one in fitting if choice is not None and setup_of(one.measurement) == setup_of(choice)]
    return same[0] if same else rank(fitting, DEFAULT if verdict is None else verdict.prefer).winner


def _check(one: Evidence, limits: Sequence[Limit]) -> None:
    """Refuse what the evidence does not carry.

    Raises:
        Undecided: it is not valid, or leaves a limit open.
        NothingFits: it breaks a limit.
    """
    measurement, name = one.measurement, one.artifact.id
    if not measurement.valid or (measurement.parity is not None and not measurement.parity.passed):
        why = next(iter(measurement.warnings), "it was disturbed")
        raise Undecided(f"the measurement of {name} on {measurement.target} is not valid ({why}); measure it again")
    if not limits:
        return
    candidate = judge(one, limits)
    if not fits(candidate):
        broken = "; ".join(breaking(found) for found in candidate.constraints if found.status != "pass")
        kind = NothingFits if candidate.status == "fail" else Undecided
        raise kind(f"{name} on {measurement.target} does not meet the limits: {broken}")


def _chosen(
    manifest: Manifest, one: Evidence, verdict: Verdict | None, profile: Profile, forced: tuple[str, ...] = ()
) -> Chosen:
    measurement = one.measurement
    return Chosen(
        manifest=manifest,
        artifact=one.artifact,
        target=measurement.target,
        options=options_of(measurement),
        batch=measurement.batch,
        length=measurement.length,
        every_seconds=measurement.every_seconds,
        limits=() if verdict is None else verdict.limits,
        measurement=measurement,
        profile=profile,
        verdict=verdict,
        forced=forced,
    )


def _forced(
    bundle: Path, artifact: Artifact, manifest: Manifest, devices: Sequence[str], budget: Budget | None, refusal: str
) -> Chosen:
    """The artifact with whatever there is of evidence: its newest measurement there, else none and the defaults."""
    verdict = newest_verdict(bundle)
    profiles = read_profiles(bundle)
    wanted = [item for item in profiles if not devices or item[1].device.name in devices]
    for _, profile in reversed(wanted):
        own = evidence_of(manifest, newest([profile], manifest))
        for one in own:
            if one.artifact.id == artifact.id:
                return _chosen(manifest, one, verdict, profile, (refusal,))
    return Chosen(
        manifest=manifest,
        artifact=artifact,
        target="cpu",
        options=DEFAULT_SETTINGS,
        batch=1,
        length=own_length(manifest, artifact),
        every_seconds=None,
        limits=() if budget is None else budget.limits,
        measurement=None,
        profile=None,
        verdict=None,
        forced=(refusal,),
    )


def _of(device: str | None) -> str:
    return "" if device is None else f" for {device}"
