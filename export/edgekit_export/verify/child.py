"""Running artifacts in child processes of an agent, so that a crash in native code becomes one error line."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit_targets.agent.contract import Agent
from edgekit_targets.agent.protocol import Evaluate, Open, Opened
from edgekit_targets.errors import AgentFailed
from edgekit_targets.files import sha256_of
from edgekit_targets.types.manifest import State

Arrays = Mapping[str, NDArray[np.generic]]


class Child:
    """One artifact in one fresh process; a context manager that ends it.

    Raises:
        AgentFailed: the process died.
        InputError: the runtime refuses the file or the shapes.
    """

    def __init__(
        self,
        agent: Agent,
        file: Path,
        *,
        shapes: Mapping[str, tuple[int, ...]],
        scratch: Path,
        target: str,
        states: Sequence[State] = (),
    ) -> None:
        """Load ``file`` and run it once at ``shapes``; ``scratch`` is a folder for the arrays on their way.

        With ``states`` it is a stream's step, and :meth:`run` takes and gives sequences of steps.
        """
        self._agent, self._scratch, self._handle = agent, scratch, f"verify-{file.stem}"
        self.opened: Opened = agent.open(
            Open(
                handle=self._handle,
                file=str(file.absolute()),
                sha256=sha256_of(file),
                target=target,
                inputs=dict(shapes),
                states=tuple(states),
            )
        )

    def __enter__(self) -> Child:
        """Nothing to do: the model is loaded already."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the process."""
        self._agent.close(self._handle)

    def run(self, inputs: Arrays, *, whole: bool) -> dict[str, NDArray[np.generic]]:
        """The outputs by name.

        Args:
            inputs: by name; ``[samples, ...]`` each unless ``whole``. With states ``[samples, steps, ...]``, and the
                outputs are those of every step.
            whole: feed the arrays once, as they are; else one sample after the other at batch 1, as on a device
                (a dynamically quantized model answers differently in a batch: its activations share one range).
        """
        feeds, answers = self._scratch / "inputs.npz", self._scratch / "outputs.npz"
        np.savez(feeds, **{f"input.{name}": array for name, array in inputs.items()})  # type: ignore[arg-type]
        self._agent.evaluate(Evaluate(handle=self._handle, inputs=str(feeds), outputs=str(answers), whole=whole))
        try:
            with np.load(answers, allow_pickle=False) as arrays:
                return {name.removeprefix("output."): arrays[name] for name in arrays.files}
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise AgentFailed(f"the agent wrote no readable outputs to {answers.name}: {error}") from error
