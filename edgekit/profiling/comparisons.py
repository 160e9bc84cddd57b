"""Which candidates of a run are held against each other, and what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from edgekit.statistics.paired import Ratio, Round, ratio
from edgekit_targets.types.manifest import REFERENCE_PAIR, Manifest
from edgekit_targets.types.profile import Comparison, Latency, Measurement, Profile
from edgekit_targets.types.session import options_of


def comparisons(measurements: Sequence[Measurement]) -> tuple[Comparison, ...]:
    """Each precision against fp32 of the same model, run alike; and each family's fastest against the fastest of all.

    Only what one run measured has rounds in common. Where the reference pair is there, it is compared alone.
    """
    usable = [one for one in measurements if one.valid and one.latency is not None]
    base = {(*_alike(one), one.family): one for one in usable if one.precision == "fp32"}
    found = [
        _compare("precision", one, fp32)
        for one in usable
        if (fp32 := base.get((*_alike(one), one.family))) is not None and fp32 is not one
    ]
    races: defaultdict[object, dict[str, Measurement]] = defaultdict(dict)
    for one in sorted(usable, key=_typical):
        races[one.mode, one.batch, one.length, one.every_seconds].setdefault(one.family, one)
    for best in races.values():
        names = [name for name in best if name in REFERENCE_PAIR or not set(REFERENCE_PAIR) <= set(best)]
        found += [_compare("family", best[names[0]], best[name]) for name in names[1:]]
    return tuple(one for one in found if one is not None)


def cpu_ratio(one: Measurement, other: Measurement) -> Ratio | None:
    """The processor time of an inference over that of another candidate of the same run; None without common rounds."""
    if one.created != other.created:
        return None
    return ratio(_cpu_rounds(one), _cpu_rounds(other))


def current_comparisons(manifest: Manifest, profiles: Sequence[Profile]) -> list[Comparison]:
    """Each precision against fp32, as it was measured last of the files that the bundle holds now."""
    hashes = {artifact.id: artifact.sha256 for artifact in manifest.artifacts}
    latest: dict[object, Comparison] = {}
    for profile in sorted(profiles, key=lambda one: one.created):
        measured = {one.artifact: one.sha256 for one in profile.measurements}
        for one in profile.comparisons:
            same = all(hashes.get(name) == measured.get(name) for name in (one.artifact, one.other))
            if one.about == "precision" and same:
                shape = (one.batch, one.length, one.every_seconds)
                latest[one.artifact, one.target, one.options, shape] = one
    return list(latest.values())


def _alike(one: Measurement) -> tuple[object, ...]:
    return one.mode, one.target, options_of(one), one.batch, one.length, one.every_seconds


def _typical(one: Measurement) -> float:
    assert one.latency is not None
    return one.latency.p50_seconds


def _compare(about: Literal["precision", "family"], one: Measurement, other: Measurement) -> Comparison | None:
    if one.created != other.created:
        return None
    found = ratio(rounds_of(one), rounds_of(other))
    if found is None:
        return None
    return Comparison(
        about=about,
        artifact=one.artifact,
        target=one.target,
        options=options_of(one),
        other=other.artifact,
        other_target=other.target,
        other_options=options_of(other),
        batch=one.batch,
        length=one.length,
        every_seconds=one.every_seconds,
        ratio=found.value,
        low=found.low,
        high=found.high,
        launches=found.launches,
        standing=found.standing,
    )


def rounds_of(one: Measurement) -> dict[Round, tuple[float, ...]]:
    """The service times: at a pace the waiting is the schedule's."""
    latency: Latency | None = one.paced.service if one.paced is not None else one.latency
    assert latency is not None
    places = zip(latency.launch_of, latency.round_of, strict=True)
    return dict(zip(places, latency.raw_seconds, strict=True))


def _cpu_rounds(one: Measurement) -> dict[Round, tuple[float, ...]]:
    latency = one.latency
    if latency is None or len(one.cpu_of_slices) != len(latency.launch_of):
        return {}
    places = zip(latency.launch_of, latency.round_of, strict=True)
    return {place: (told,) for place, told in zip(places, one.cpu_of_slices, strict=True) if told is not None}
