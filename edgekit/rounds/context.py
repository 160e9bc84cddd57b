"""What a round is given: how much to do, where to keep it, and the ways to train, export and measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.budget.budget import Budget
from edgekit.rounds.effort import Effort
from edgekit.rounds.trainers import Trainers
from edgekit.rounds.work import Work
from edgekit_targets.agent.contract import Agent
from edgekit_targets.progress import Progress

if TYPE_CHECKING:
    from edgekit.profiling.plan import Plan
    from edgekit_export.data.contract import Dataset
    from edgekit_targets.types.profile import Profile

TASKS = "tasks"


@dataclass(frozen=True, kw_only=True)
class Context:
    """One run in the folder ``out``, for all rounds.

    ``connect`` gives an agent on the device, not greeted yet; ``budgets`` are those that round five holds the families
    against, ``devices`` the names of the team's machines, ``trainers`` who trains and exports. What takes long is kept
    below ``out`` piece by piece, so that a run that goes on does none of it again.
    """

    out: Path
    effort: Effort
    work: Work
    budgets: Sequence[Budget]
    connect: Callable[[], AbstractContextManager[Agent]]
    progress: Progress
    tell: Callable[[str], None]
    trainers: Trainers = field(default_factory=Trainers)
    device: str = "local"
    devices: Sequence[str] = ()
    loaded: dict[tuple[str, int], Dataset] = field(default_factory=dict)
    """What :meth:`load` has read so far."""

    def profile(self, bundle: Path, about: str = "", *, plan: Plan | None = None, **wanted: Any) -> Profile:
        """Measure what of ``bundle`` was not measured on the device yet; see :func:`edgekit.profiling.run.profile`.

        ``wanted`` are its targets, threads, batches, lengths and pace. By default every target that can run there, by
        the plan for what was trained. ``about`` tells one call from another of the same bundle to whoever waits.
        """
        stage = f"measure {bundle.name}{about}"
        from edgekit.profiling.run import profile

        with self.connect() as agent:
            return profile(
                bundle,
                agent,
                plan=plan or self.effort.plan,
                tell=self.tell,
                progress=lambda _, done, total: self.progress(stage, done, total),
                **wanted,
            )

    def task(self, name: str, arrays: Mapping[str, Any]) -> str:
        """Keep the arrays of a made task below ``out`` and give the name by which ``--data`` takes them."""
        import io

        import numpy as np

        from edgekit_targets.files import write_atomic

        path = self.out / TASKS / f"{name}.npz"
        if not path.is_file():
            content = io.BytesIO()
            np.savez_compressed(content, **arrays)
            write_atomic(path, content.getvalue())
        return f"npz:{path}"

    def load(self, data: str, seed: int) -> Dataset:
        """The data set of that name; another seed is another validation split, and the same test part.

        Raises:
            InputError: as :func:`edgekit_export.data.load`.
        """
        from edgekit_export.data import load

        if (data, seed) not in self.loaded:
            self.loaded[data, seed] = load(data, seed)
        return self.loaded[data, seed]
