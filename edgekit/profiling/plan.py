"""What is measured and how much of it: subjects (a candidate with its settings) and the plan for all of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.profiling.pace import Pace
from edgekit_targets.bundle import artifact_path, golden_path
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import Artifact, Manifest, Mode
from edgekit_targets.types.session import SessionOptions

PACED_SAMPLES = 600
"""Arrivals that a candidate is measured for at least: a p99 needs 501 independent ones for a bound from above."""
FEWEST_LAUNCHES = 5
"""Of a candidate, before a latency is said to fit: nothing else tells how much launches differ."""
DEFAULT_SETTINGS = SessionOptions(fixed_shapes=True)
"""How candidates are run unless asked otherwise. An application feeds the shape that was measured."""
STEP = 1
"""The length of what a stream artifact takes in at once."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured. Each candidate gets ``launches`` fresh processes of ``rounds`` slices each.

    Many short launches of many short slices tell more than few long ones of as many samples: a disturbance that fills
    a slice makes it worth one sample, however long, and how launches differ has to be told from how many there are.
    ``samples`` and ``seconds`` cap what one candidate takes over all these slices, whichever is reached first;
    ``alive`` candidates are loaded at a time and take their slices in random order, so that they share whatever the
    machine does meanwhile; ``seed`` fixes that order. With ``most_seconds`` a candidate that was not stopped after
    ``launches`` goes on, launch by launch, until this run measured it that long or ``most_launches`` times; with
    ``total_seconds`` none starts another launch once all of them together were measured so long.
    """

    launches: int = 12
    rounds: int = 12
    samples: int = 3600
    seconds: float = 8.0
    warmup_seconds: float = 0.01
    alive: int = 4
    seed: int = 0
    most_seconds: float | None = None
    most_launches: int = 60
    total_seconds: float | None = None

    @property
    def slice_samples(self) -> int:
        """Samples of one slice."""
        return max(1, -(-self.samples // (self.launches * self.rounds)))

    def slice_seconds(self, every_seconds: float | None) -> float:
        """Seconds of one slice; at a pace at least so many that p99 can be bounded from what arrives."""
        own = self.seconds / (self.launches * self.rounds)
        if every_seconds is None:
            return own
        return max(own, -(-PACED_SAMPLES // (self.launches * self.rounds)) * every_seconds)


def until_decided(*, most_seconds: float = 60.0, most_launches: int = 60, total_seconds: float | None = None) -> Plan:
    """The plan to measure against a budget: a few launches at first, more of them for whoever is undecided.

    Every launch is as long as any other: where times change within a launch, figures would else depend on when
    measuring stopped.
    """
    return Plan(
        launches=FEWEST_LAUNCHES,
        samples=FEWEST_LAUNCHES * 12 * 25,
        seconds=FEWEST_LAUNCHES * 12 * 0.03,
        most_seconds=most_seconds,
        most_launches=most_launches,
        total_seconds=total_seconds,
    )


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One candidate to measure: an artifact whose hash was checked, on a target, with its settings."""

    artifact: Artifact
    file: Path
    golden: Path | None
    inputs: Mapping[str, tuple[int, ...]]
    target: str
    options: SessionOptions
    batch: int
    length: int
    every_seconds: float | None = None
    """The pace; null for a closed loop."""

    @property
    def key(self) -> str:
        """A name no other subject of the run has."""
        options = self.options
        extras = ("+spin" if options.spinning else "") + ("" if options.arena else "-arena")
        extras += ("" if options.fixed_shapes else "+free") + ("+graph" if options.cuda_graph else "")
        pace = "" if self.every_seconds is None else f"/{self.every_seconds:g}s"
        return f"{self.artifact.id}@{self.target}/{options.threads}{extras}/{self.batch}x{self.length}{pace}"

    @property
    def alike(self) -> tuple[object, ...]:
        """Equal for subjects that differ in nothing but their file."""
        mode = self.artifact.mode
        return (mode, self.artifact.variant, self.target, self.options, self.batch, self.length, self.every_seconds)


def subjects(
    bundle: Path,
    manifest: Manifest,
    *,
    targets: Sequence[str],
    threads: Sequence[int],
    batches: Sequence[int] = (1,),
    lengths: Sequence[int],
    pace: Pace | None = None,
    settings: SessionOptions | None = None,
) -> list[Subject]:
    """Every artifact of the bundle on every target, thread count, batch and length, run as ``settings`` say.

    Without ``lengths`` each artifact is measured at the data's own length, without data at that of its golden inputs.
    A stream artifact takes one step at a time, whatever the lengths, at the pace of a sensor unless ``pace`` says
    otherwise; windows run in a closed loop.

    Raises:
        InputError: an artifact is missing or cannot take that batch or length.
        CheckFailed: an artifact is not the file the manifest describes.
    """
    found: list[Subject] = []
    for artifact in manifest.artifacts:
        file = artifact_path(bundle, artifact)
        golden = golden_path(bundle, artifact)
        shapes = golden_shapes(golden)
        stream = artifact.mode == "stream"
        wanted = ([] if stream else lengths) or [own_length(manifest, artifact)]
        for length, batch in itertools.product(wanted, batches):
            inputs = concrete_shapes(artifact, shapes, batch=batch, length=length, given=bool(lengths) and not stream)
            found += [
                Subject(
                    artifact=artifact,
                    file=file,
                    golden=golden if golden.is_file() else None,
                    inputs=inputs,
                    target=target,
                    options=_options(target, count, settings or DEFAULT_SETTINGS),
                    batch=batch,
                    length=length,
                    every_seconds=(pace or Pace()).of(artifact.mode),
                )
                for target in targets
                for count in threads
            ]
    return found


def _options(target: str, threads: int, asked: SessionOptions) -> SessionOptions:
    """What is asked for, as far as the target has it: a figure must not be told under settings that did nothing."""
    if target.startswith("openvino"):
        return SessionOptions(threads=threads, fixed_shapes=asked.fixed_shapes or target == "openvino:NPU")
    return SessionOptions(
        threads=threads,
        spinning=asked.spinning and threads > 1,
        arena=asked.arena,
        fixed_shapes=asked.fixed_shapes or (asked.cuda_graph and target == "cuda"),
        cuda_graph=asked.cuda_graph and target == "cuda",
    )


def length_for(mode: Mode, length: int) -> int:
    """The length at which an artifact of that mode is judged, where windows are judged at ``length``."""
    return STEP if mode == "stream" else length


def own_length(manifest: Manifest, artifact: Artifact) -> int:
    """The length a figure without further words refers to; that of a stream is its one step."""
    if manifest.data is not None:
        return length_for(artifact.mode, manifest.data.length)
    return length_for(artifact.mode, artifact.example[1] if artifact.example is not None else 1)


def concrete_shapes(
    artifact: Artifact, golden: Mapping[str, tuple[int, ...]], *, batch: int, length: int, given: bool
) -> dict[str, tuple[int, ...]]:
    """The shape of every input at this batch and length; other free dimensions are those of the golden inputs.

    Carried inputs have no entry: their sizes follow from the others'.

    Raises:
        InputError: a fixed dimension contradicts ``batch`` or a ``length`` that was given.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    carried = {state.input for state in artifact.states}
    for tensor in artifact.inputs:
        if tensor.name in carried:
            continue
        sample = golden.get(tensor.name, ())
        if artifact.states:  # golden inputs are sequences, with the steps on the second axis
            sample = sample[:1] + sample[2:]
        sizes: list[int] = []
        for axis, dimension in enumerate(tensor.shape):
            if isinstance(dimension, int):
                sizes.append(dimension)
            elif dimension == "length":
                sizes.append(length)
            elif axis == 0 or dimension == "batch":
                sizes.append(batch)
            else:
                sizes.append(sample[axis] if axis < len(sample) else 1)
        shapes[tensor.name] = tuple(sizes)
    if batch != 1 and not any(
        "batch" in tensor.shape or (tensor.shape and isinstance(tensor.shape[0], str)) for tensor in artifact.inputs
    ):
        raise InputError(f"--batch {batch}: {artifact.id} has a fixed batch; measure it with --batch 1")
    if given and not any(length in shape for shape in shapes.values()):
        raise InputError(f"--length {length}: {artifact.id} has a fixed length; leave --length out")
    return shapes


def golden_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the golden inputs; none where there are no such vectors.

    Raises:
        InputError: the file cannot be read.
    """
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {
                name.removeprefix("input."): arrays[name].shape for name in arrays.files if name.startswith("input.")
            }
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} cannot be read as golden inputs; export the bundle again") from error
