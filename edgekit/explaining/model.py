"""The artifact that is asked: run by ONNX Runtime in a process of its own, many inputs at a time."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from edgekit_export.verify.child import Child
from edgekit_targets.agent.contract import Agent
from edgekit_targets.bundle import artifact_path
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.types.manifest import Artifact

TARGET: Final = "cpu"
LOGITS: Final = "logits"
ATTENTION: Final = "attention"
_MOST_BYTES: Final = 1 << 26
_EXACT: Final = ("fp32", "fp16")


class Model:
    """A context manager that ends the process.

    Raises:
        InputError: it takes or gives something else than a classifier of sequences does, or does not run.
        CheckFailed: the file is not the bundle's, or its answers are not finite.
    """

    def __init__(self, bundle: Path, artifact: Artifact, length: int, agent: Agent, scratch: Path) -> None:
        """Load ``artifact`` for sequences of ``length`` steps; ``scratch`` is a folder for arrays on their way."""
        path = artifact_path(bundle, artifact)
        stream = artifact.mode == "stream"
        (entry,) = (tensor for tensor in artifact.inputs if tensor.name not in {one.input for one in artifact.states})
        step = entry.shape[1:] if stream else entry.shape[2:]
        self.id, self._artifact, self._input = artifact.id, artifact, entry.name
        # Activations of a dynamically quantized file share one range in a batch, which changes its answers.
        self._whole = artifact.precision in _EXACT and not isinstance(entry.shape[0], int)
        self._child = Child(
            agent,
            path,
            shapes={entry.name: tuple(map(int, (1, *step) if stream else (1, length, *step)))},
            scratch=scratch,
            target=TARGET,
            states=artifact.states,
        )
        self.runtime = f"ONNX Runtime {self._child.opened.runtime_version}"

    def __enter__(self) -> Model:
        """Nothing to do: the model is loaded already."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the process."""
        self._child.__exit__(*exception)

    def answer(self, x: NDArray[np.generic]) -> NDArray[np.float64]:
        """The probability of each class ``[samples, classes]``; a stream's after its last step."""
        logits = self._run(x, LOGITS, x[:1].nbytes)
        if self._artifact.mode == "stream":
            logits = logits[:, -1]
        return np.asarray(softmax(logits, axis=1))

    def attention(self, x: NDArray[np.generic]) -> NDArray[np.float64]:
        """The attention weights ``[samples, layer, head, query, key]``."""
        (tensor,) = (one for one in self._artifact.outputs if one.name == ATTENTION)
        maps = math.prod(size for size in tensor.shape[1:3] if isinstance(size, int))
        return self._run(x, ATTENTION, 4 * maps * x.shape[1] ** 2)

    def _run(self, x: NDArray[np.generic], output: str, row_bytes: int) -> NDArray[np.float64]:
        rows = max(1, _MOST_BYTES // max(row_bytes, 1))
        found = [
            self._child.run({self._input: x[start : start + rows]}, whole=self._whole)[output].astype(np.float64)
            for start in range(0, len(x), rows)
        ]
        answers = np.concatenate(found)
        if not np.isfinite(answers).all():
            raise CheckFailed(f"{self._artifact.id} gives NaN or infinity; export it again")
        return answers


def check_model(artifact: Artifact) -> None:
    """Refuse what no sample can be fed to, before anything is loaded.

    Raises:
        InputError: several inputs, or no ``logits``.
    """
    states = {one.input for one in artifact.states}
    entries = [tensor for tensor in artifact.inputs if tensor.name not in states]
    least = 1 if artifact.mode == "stream" else 2
    sizes = [size for tensor in entries for size in tensor.shape[least:]]
    sound = len(entries) == 1 and least <= len(entries[0].shape) <= least + 1 and all(isinstance(s, int) for s in sizes)
    if not sound or LOGITS not in {tensor.name for tensor in artifact.outputs}:
        raise InputError(
            f"--artifact {artifact.id} is no classifier of sequences: explaining needs one input [batch, length, "
            f"features] or token ids, and an output called {LOGITS}; name those of your model so and export it again"
        )
