"""A release put together from a bundle: copied, described, signed, and verified as on a device."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgekit.documents import now
from edgekit.shipping.choose import Chosen
from edgekit.shipping.header import header
from edgekit.shipping.signing import PrivateKey, sign_folder
from edgekit_targets import __version__
from edgekit_targets.bundle import artifact_path, golden_path
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.files import sha256_of, staged_folder, write_atomic
from edgekit_targets.records import dumps
from edgekit_targets.releases.check import verify_release
from edgekit_targets.releases.format import (
    GOLDEN,
    HEADER,
    MANIFEST,
    MODEL,
    PROFILE,
    SCHEMA_VERSION,
    VERDICT,
    Golden,
    Limits,
    Normalisation,
    Port,
    Release,
    Session,
    architectures_of,
)
from edgekit_targets.toml import nearest
from edgekit_targets.types.manifest import Artifact, Tensor
from edgekit_targets.types.profile import Latency, Measurement, Profile

MOST_EVIDENCE_BYTES = 1_000_000
"""Evidence that is larger leaves its single latencies behind; a device keeps two releases on a small card."""
_OWN_FAMILIES = ("lstm", "transformer", "linear", "conv")
_RESET = "fill every state input with its initial value"
_NO_RESET = "nothing is carried from one inference to the next"


def compose(
    bundle: Path,
    chosen: Chosen,
    out: Path,
    *,
    key: PrivateKey,
    name: str,
    counter: int,
    units: Mapping[str, str] | None = None,
    labels: Sequence[str] = (),
) -> Release:
    """Write a release to ``out``, which must not exist yet.

    Args:
        bundle: where the artifact lies.
        chosen: the artifact, how it is run, and the evidence.
        out: the folder to make; it gets its name when all of it is written and verified.
        key: signs.
        name: of the application's model.
        counter: the release's number.
        units: of inputs and outputs, by their names.
        labels: of the classes; by default those of the data.

    Raises:
        InputError: ``out`` is taken or cannot be written, the artifact has no golden vectors, a unit names no input or
            output.
        CheckFailed: the artifact is not the file that the manifest describes.
    """
    artifact = chosen.artifact
    golden = golden_path(bundle, artifact)
    if artifact.parity is None or not golden.is_file():
        raise InputError(f"{artifact.id} has no golden vectors, which a device checks a release by; export it again")
    release = describe(chosen, golden, name=name, counter=counter, units=units or {}, labels=labels)
    with staged_folder(out, force=None, marker=MANIFEST, option="--to") as stage:
        _copy(artifact_path(bundle, artifact), stage / MODEL)
        if sha256_of(stage / MODEL) != artifact.sha256:
            raise CheckFailed(f"{artifact.file} changed while it was copied; nothing else may write into {bundle}")
        _copy(golden, stage / GOLDEN)
        write_atomic(stage / MANIFEST, dumps(release, indent=1) + "\n")
        write_atomic(stage / PROFILE, _evidence(chosen.profile, artifact) + "\n")
        write_atomic(stage / VERDICT, dumps(chosen.verdict, indent=1) + "\n")
        write_atomic(stage / HEADER, header(release))
        sign_folder(stage, key, name)
        (stage / Path(PROFILE).parent).chmod(0o755)
        verify_release(stage, [key.public])
    return release


def describe(
    chosen: Chosen, golden: Path, *, name: str, counter: int, units: Mapping[str, str], labels: Sequence[str]
) -> Release:
    """What ``release.json`` says.

    Raises:
        InputError: a unit names no input or output of the artifact, or there are more or fewer labels than outputs.
    """
    from edgekit.profiling.plan import concrete_shapes, golden_shapes

    artifact, data = chosen.artifact, chosen.manifest.data
    assert artifact.parity is not None
    fed = {tensor.name for tensor in (*artifact.inputs, *artifact.outputs)}
    for one in units:
        if one not in fed:
            raise InputError(f"--unit {one}=... names no input or output of {artifact.id}; {nearest(one, sorted(fed))}")
    known = tuple(labels) or (() if data is None else data.classes)
    widths = {one.shape[-1] for one in artifact.outputs if one.shape and isinstance(one.shape[-1], int)}
    if labels and widths and len(labels) not in widths:
        wanted = " or ".join(sorted(map(str, widths)))
        raise InputError(f"--labels gives {len(labels)} names, {artifact.id} gives {wanted} values")
    own: Normalisation = "in the graph" if artifact.family in _OWN_FAMILIES else "the model's own"
    return Release(
        schema_version=SCHEMA_VERSION,
        name=name,
        counter=counter,
        created=now(),
        edgekit_version=__version__,
        artifact=artifact.id,
        family=artifact.family,
        mode=artifact.mode,
        precision=artifact.precision,
        isa=artifact.isa,
        sha256=artifact.sha256,
        size_bytes=artifact.size_bytes,
        inputs=_ports(artifact.inputs, units),
        outputs=_ports(artifact.outputs, units),
        normalisation=own,
        states=artifact.states,
        reset=_RESET if artifact.states else _NO_RESET,
        labels=known,
        session=Session(
            target=chosen.target,
            options=chosen.options,
            batch=chosen.batch,
            length=chosen.length,
            shapes=concrete_shapes(
                artifact, golden_shapes(golden), batch=chosen.batch, length=chosen.length, given=False
            ),
            runtime_version=None if chosen.measurement is None else chosen.measurement.runtime_version,
        ),
        every_seconds=chosen.every_seconds,
        golden=Golden(tolerance=artifact.parity.tolerance, mode=artifact.mode),
        limits=_limits(chosen),
        architectures=architectures_of(artifact.isa),
        min_onnxruntime=artifact.min_onnxruntime,
        parity=artifact.parity,
        forced=chosen.forced,
    )


def _copy(source: Path, target: Path) -> None:
    """The bytes alone, as a real file, on the disk when this ends."""
    with source.open("rb") as read, target.open("xb") as written:
        shutil.copyfileobj(read, written, 1 << 20)
        written.flush()
        os.fsync(written.fileno())
    target.chmod(0o644)


def _ports(tensors: Sequence[Tensor], units: Mapping[str, str]) -> tuple[Port, ...]:
    return tuple(Port(name=one.name, dtype=one.dtype, shape=one.shape, unit=units.get(one.name)) for one in tensors)


def _limits(chosen: Chosen) -> Limits:
    told = {limit.name: limit.value for limit in chosen.limits}
    return Limits(
        p99_seconds=told.get("p99"),
        memory_bytes=told.get("memory"),
        process_memory_bytes=told.get("process_memory"),
    )


def _evidence(profile: Profile | None, artifact: Artifact) -> str:
    """The measurements of exactly this file, as JSON; without single latencies where they would be large."""
    if profile is None:
        return "null"
    own = [one for one in profile.measurements if (one.artifact, one.sha256) == (artifact.id, artifact.sha256)]
    kept = dataclasses.replace(profile, measurements=tuple(own), crossovers=(), comparisons=())
    text = dumps(kept)
    if len(text) > MOST_EVIDENCE_BYTES:
        text = dumps(dataclasses.replace(kept, measurements=tuple(map(_without_raw, own))))
    return text


def _without_raw(one: Measurement) -> Measurement:
    latency = None if one.latency is None else _thin(one.latency)
    soak = one.soak
    if soak is not None:
        points = tuple(dataclasses.replace(point, latency=_thin(point.latency)) for point in soak.points)
        soak = dataclasses.replace(soak, points=points)
    paced = one.paced
    if paced is not None:
        paced = dataclasses.replace(paced, service=_thin(paced.service))
    return dataclasses.replace(one, latency=latency, soak=soak, paced=paced)


def _thin(latency: Latency) -> Latency:
    return dataclasses.replace(latency, raw_seconds=(), launch_of=(), round_of=())
