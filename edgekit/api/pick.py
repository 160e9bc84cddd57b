"""``edgekit.pick``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.budget.budget import Budget
    from edgekit_targets.types.manifest import Mode
    from edgekit_targets.types.verdict import Verdict


def pick(
    bundle: str | Path,
    budget: str | Path | Budget,
    *,
    device: str | None = None,
    prefer: Sequence[str] = ("accuracy", "cpu", "memory", "size"),
    batch: int = 1,
    length: int | None = None,
    modes: Sequence[Mode] = ("window", "stream"),
    every: str | None = None,
    soaked: bool = False,
) -> Verdict:
    """Choose the artifact that fits a budget, by what was measured; the verdict is kept in the bundle.

    Args:
        bundle: a folder made by :func:`edgekit.export` that :func:`edgekit.profile` has measured.
        budget: ``"p99=20ms, memory=64MiB, accuracy=0.9"``, a name from ``edgekit.toml`` or of an example that ships,
            or the path of a TOML file with a ``[budget]`` table.
        device: judge what was measured on this machine.
        prefer: metrics in the order in which they decide among candidates that fit.
        batch: sequences per inference to judge at.
        length: steps per window to judge at; by default the data's own.
        modes: judge only candidates of these.
        every: the pace to judge at, as for :func:`edgekit.profile`.
        soaked: judge the latency at the end of a soak.

    Returns:
        The verdict: ``pick``, ``nothing-fits`` or ``undecided``, with every candidate held against every limit.

    Raises:
        InputError: no bundle, a budget or a name that is not there, profiles of several machines.
        Undecided: nothing was measured yet.
    """
    from edgekit.api.notebook import shown
    from edgekit.budget.budget import Budget
    from edgekit.budget.load import load_budget
    from edgekit.decision.pick import pick as pick_from
    from edgekit.decision.prefer import parse_preference
    from edgekit.decision.store import write_verdict
    from edgekit.devices.connect import measured_name
    from edgekit.profiling.pace import parse_pace
    from edgekit.project.load import load_project

    project = load_project()
    verdict = pick_from(
        Path(bundle),
        budget if isinstance(budget, Budget) else load_budget(str(budget), project.budgets),
        device=None if device is None else measured_name(device, Path(bundle), project.devices),
        prefer=parse_preference(prefer if isinstance(prefer, str) else ",".join(prefer)),
        batch=batch,
        length=length,
        modes=modes,
        every=parse_pace(every),
        soaked=soaked,
    )
    write_verdict(Path(bundle), verdict)
    return shown(verdict)
