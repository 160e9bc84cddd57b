"""Profiles of a bundle: written beside it, read back, and looked up by what they measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgekit.documents import add_document, older_documents, read_documents
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Manifest
from edgekit_targets.types.profile import OLDEST_READABLE, SCHEMA_VERSION, Measurement, Profile
from edgekit_targets.types.session import SessionOptions, options_of

FOLDER = "profiles"
Key = tuple[str, str, str, SessionOptions, int, int, float | None]


def write_profile(bundle: Path, profile: Profile) -> Path:
    """Add a profile to the bundle."""
    return add_document(bundle / FOLDER, profile, profile.created)


def read_profiles(bundle: Path, device: str | None = None) -> list[tuple[Path, Profile]]:
    """Every profile of the bundle, oldest first; only those of the device called ``device``, if given.

    Those that an older edgekit wrote are left out: :func:`outdated` tells them.

    Raises:
        InputError: a file is truncated, edited into something else or written by a newer edgekit.
    """
    found = read_documents(
        bundle / FOLDER, Profile, SCHEMA_VERSION, lambda profile: profile.created, oldest=OLDEST_READABLE
    )
    return [(path, profile) for path, profile in found if device is None or profile.device.name == device]


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
    fingerprints = {profile.device.fingerprint for _, profile in profiles}
    if len(fingerprints) > 1:
        machines = sorted({f"{profile.device.name} ({profile.device.cpu or 'cpu unknown'})" for _, profile in profiles})
        raise InputError(
            f"the bundle holds profiles of {len(fingerprints)} machines ({', '.join(machines)}); "
            "say which with --device, or remove the others from profiles/"
        )
