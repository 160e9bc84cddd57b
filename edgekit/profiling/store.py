"""Profiles of a bundle: written beside it, read back, and looked up by what they measured."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from edgekit.documents import add_document, older_documents, read_documents
from edgekit.profiling.check import check_profile
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.types.manifest import Manifest
from edgekit_targets.types.profile import OLDEST_READABLE, SCHEMA_VERSION, Device, Measurement, Profile
from edgekit_targets.types.session import SessionOptions, options_of

FOLDER = "profiles"
_SHORTEST_FINGERPRINT = 8
Key = tuple[str, str, str, SessionOptions, int, int, float | None]


def write_profile(bundle: Path, profile: Profile) -> Path:
    """Add a profile to the bundle."""
    return add_document(bundle / FOLDER, profile, profile.created)


def read_profiles(bundle: Path, device: str | None = None) -> list[tuple[Path, Profile]]:
    """Every profile of the bundle, oldest first; a copy of one counts once.

    Args:
        bundle: the folder.
        device: only those of the machine of this name, or with this fingerprint (eight digits or more of it).

    Those that an older edgekit wrote are left out: :func:`outdated` tells them.

    Raises:
        InputError: a file is truncated, written by a newer edgekit or edited by hand, or there are profiles, but none
            of a device of that name.
        Undecided: there are profiles, but none of the local machine or the address asked for.
    """
    found = read_documents(
        bundle / FOLDER, Profile, SCHEMA_VERSION, lambda profile: profile.created, oldest=OLDEST_READABLE
    )
    kept: dict[tuple[str, str], tuple[Path, Profile]] = {}
    for path, profile in found:
        check_profile(path, profile)
        first, same = kept.setdefault((profile.created, profile.device.fingerprint), (path, profile))
        if same != profile:
            raise InputError(
                f"{path} and {first.name} are of one run ({profile.created}) and say different things; one of them was "
                "edited by hand: remove it"
            )
    if device is None or not kept:
        return list(kept.values())
    own = [(path, profile) for path, profile in kept.values() if is_device(profile.device, device)]
    if not own:
        names = sorted({profile.device.name for _, profile in kept.values()})
        near = difflib.get_close_matches(device, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}" if near else f"measured were: {', '.join(names)}"
        # The machine in front of us and an address are no slips of the pen: they are there, and not measured.
        kind = Undecided if device == "local" or "://" in device else InputError
        raise kind(
            f"--device {device!r}: {bundle} holds no measurement of it ({hint}); take some with: "
            f"edgekit profile {bundle} --device {device}"
        )
    return own


def is_device(device: Device, name: str) -> bool:
    """Whether a machine is called so, or has a fingerprint that begins so."""
    return device.name == name or (len(name) >= _SHORTEST_FINGERPRINT and device.fingerprint.startswith(name))


def outdated(bundle: Path) -> str | None:
    """A line about profiles whose figures cannot be used any more; None where there are none.

    Raises:
        InputError: as :func:`read_profiles`.
    """
    old = older_documents(bundle / FOLDER, SCHEMA_VERSION, OLDEST_READABLE)
    if not old:
        return None
    return (
        f"{', '.join(path.name for path in old)} in {bundle / FOLDER} left out: an older edgekit measured it, with "
        "intervals that hold for one look only; measure again with: edgekit profile"
    )


def count_copies(bundle: Path, different: int) -> int:
    """How many files of the bundle hold a run that another one holds too, where ``different`` runs could be read."""
    more = len(list((bundle / FOLDER).glob("*.json"))) - different
    return more and more - len(older_documents(bundle / FOLDER, SCHEMA_VERSION, OLDEST_READABLE))


def key_of(measurement: Measurement) -> Key:
    """What a measurement is a measurement of."""
    return (
        measurement.artifact,
        measurement.sha256,
        measurement.target,
        options_of(measurement),
        measurement.batch,
        measurement.length,
        measurement.every_seconds,
    )


def newest(profiles: Sequence[Profile], manifest: Manifest) -> list[Measurement]:
    """The newest measurement of each key, of artifacts as they are in the bundle now (same hash)."""
    hashes = {artifact.id: artifact.sha256 for artifact in manifest.artifacts}
    latest: dict[Key, Measurement] = {}
    for profile in sorted(profiles, key=lambda one: one.created):
        for measurement in profile.measurements:
            if hashes.get(measurement.artifact) == measurement.sha256:
                latest[key_of(measurement)] = measurement
    return list(latest.values())


def one_device(profiles: Sequence[tuple[Path, Profile]]) -> None:
    """Refuse evidence from several machines: figures of two devices cannot be held against each other.

    Raises:
        InputError: naming the devices.
    """
    machines = {profile.device.fingerprint: profile.device for _, profile in profiles}
    if len(machines) > 1:
        named = sorted(f"{one.name} ({one.hardware}, {one.fingerprint[:12]})" for one in machines.values())
        raise InputError(
            f"the bundle holds profiles of {len(machines)} machines: {'; '.join(named)}; say which with --device, by "
            "name or by the digits of its fingerprint"
        )
