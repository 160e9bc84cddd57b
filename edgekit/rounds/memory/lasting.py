"""What the shipped stream still knows after a hundred times the length it was trained on.

The stream files of the recall models run on without a reset, in stretches of one training length. *Kept*: a symbol is
marked in the first stretch and none after it. *Renewed*: every stretch marks a new one, and the latest counts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.rounds.context import Context
from edgekit.rounds.memory.tasks import SYMBOLS
from edgekit.statistics.proportions import Estimate
from edgekit.statistics.seeds import wilson

STRETCHES = 100
SAMPLES = 64


@dataclass(frozen=True, kw_only=True)
class Lasting:
    """Answers right of ``samples`` streams at the end of each stretch in ``stretches``."""

    family: str
    kept: tuple[int, ...]
    renewed: tuple[int, ...]
    stretches: tuple[int, ...]
    samples: int

    def of(self, kind: str) -> list[Estimate]:
        """The share right at each of ``stretches``, with Wilson's interval."""
        return [wilson(right / self.samples, self.samples) for right in getattr(self, kind)]


def lasting(context: Context, bundle: Path, families: Sequence[str], distance: int, length: int) -> list[Lasting]:
    """Run each family's fp32 stream file of ``bundle`` over :data:`STRETCHES` times ``length`` steps, on ``cpu``.

    Args:
        context: of the run.
        bundle: trained on the recall task of ``distance``, with stream artifacts.
        families: to run.
        distance: how far back the marked step lies at the end of its stretch.
        length: of a stretch.
    """
    from edgekit_targets.bundle import read_manifest

    artifacts = {
        one.family: one
        for one in read_manifest(bundle).artifacts
        if one.mode == "stream" and one.precision == "fp32" and one.variant == "plain"
    }
    found = []
    for family in families:
        artifact = artifacts[family]
        key = {"lasting": family, "sha256": artifact.sha256, "distance": distance, "length": length}
        found.append(
            context.work.once(
                key,
                Lasting,
                lambda family=family: _run(context, bundle, family, distance, length),  # type: ignore[misc]
            )
        )
        context.progress("memory: long streams", len(found), len(families))
    return found


def _run(context: Context, bundle: Path, family: str, distance: int, length: int) -> Lasting:
    from edgekit_export.verify.child import Child
    from edgekit_targets.agent.client import LocalAgent
    from edgekit_targets.bundle import artifact_path, read_manifest

    artifact = next(
        one
        for one in read_manifest(bundle).artifacts
        if (one.family, one.mode, one.precision) == (family, "stream", "fp32")
    )
    stretches = (1, 2, 5, 10, 20, 50, STRETCHES)
    right = {}
    carried = {state.input for state in artifact.states}
    name = next(tensor.name for tensor in artifact.inputs if tensor.name not in carried)
    with LocalAgent() as agent, tempfile.TemporaryDirectory(prefix="edgekit-") as scratch:
        agent.hello()
        with Child(
            agent,
            artifact_path(bundle, artifact),
            shapes={name: (SAMPLES, SYMBOLS + 1)},
            scratch=Path(scratch),
            target="cpu",
            states=artifact.states,
        ) as child:
            for renewed in (False, True):
                x, labels = streams(distance, length, renewed=renewed)
                outputs = child.run({name: x}, whole=True)
                logits = np.asarray(outputs[artifact.outputs[0].name])
                ends = [stretch * length - 1 for stretch in stretches]
                told = logits[:, ends].argmax(axis=2)
                right[renewed] = tuple(
                    int(count) for count in (told == labels[:, [stretch - 1 for stretch in stretches]]).sum(axis=0)
                )
    return Lasting(family=family, kept=right[False], renewed=right[True], stretches=stretches, samples=SAMPLES)


def streams(distance: int, length: int, *, renewed: bool) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Streams ``[samples, steps, features]`` and what to tell at the end of each stretch ``[samples, stretches]``.

    They come from a generator of their own: no sample of training, validation or test is among them.
    """
    generator = np.random.default_rng([distance, length, 3 + renewed])
    steps = STRETCHES * length
    symbols = generator.integers(SYMBOLS, size=(SAMPLES, steps))
    x = np.zeros((SAMPLES, steps, SYMBOLS + 1), dtype=np.float32)
    np.put_along_axis(x, symbols[:, :, None], 1.0, axis=2)
    asked = np.arange(STRETCHES) * length + (length - 1 - distance)
    x[:, asked if renewed else asked[:1], SYMBOLS] = 1.0
    labels = symbols[:, asked] if renewed else np.repeat(symbols[:, asked[:1]], STRETCHES, axis=1)
    return x, labels.astype(np.int64)
