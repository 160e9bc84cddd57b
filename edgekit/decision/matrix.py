"""``pick --matrix``: the pick for every device that was measured and every budget asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.budget.budget import Budget
from edgekit.decision.pick import conclude
from edgekit.decision.prefer import DEFAULT
from edgekit.decision.weigh import weigh
from edgekit.profiling.pace import Pace
from edgekit.profiling.store import read_profiles
from edgekit_targets.bundle import read_manifest
from edgekit_targets.errors import InputError, Undecided
from edgekit_targets.types.manifest import MODES, Mode
from edgekit_targets.types.verdict import Choice, Outcome

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One device inside one budget. ``verdict`` is null where nothing was measured; ``why`` says so, or the verdict."""

    device: str
    budget: str
    verdict: Outcome | None
    choice: Choice | None
    tie: bool
    why: str


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Devices by budgets, row by row."""

    schema_version: int
    bundle: str
    devices: tuple[str, ...]
    budgets: tuple[str, ...]
    limits: tuple[str, ...]
    cells: tuple[Cell, ...]

    def cell(self, device: str, budget: str) -> Cell:
        """The cell of a device and a budget."""
        return next(one for one in self.cells if (one.device, one.budget) == (device, budget))


def matrix(
    bundle: Path,
    budgets: Sequence[Budget],
    *,
    devices: Sequence[str] = (),
    prefer: Sequence[str] = DEFAULT,
    batch: int = 1,
    length: int | None = None,
    modes: Sequence[Mode] = MODES,
    every: Pace | None = None,
    soaked: bool = False,
) -> Matrix:
    """Judge every device by every budget.

    Args:
        bundle: folder with a manifest.
        budgets: the columns.
        devices: the rows; by default every machine that a profile of the bundle is of. One that was not measured has
            blank cells.
        prefer: as :func:`edgekit.decision.pick.pick`, like all that follow.
        batch: see there.
        length: see there.
        modes: see there.
        every: see there.
        soaked: see there.

    Raises:
        InputError: no bundle, or a profile that cannot be right.
        Undecided: nothing was measured on any device.
    """
    read_manifest(bundle)
    machines = _machines(bundle)
    if not machines:
        raise Undecided(f"{bundle} holds no measurement; take some with: edgekit profile {bundle}")
    rows = devices or list(machines)
    cells = []
    for row in rows:
        for budget in budgets:
            try:
                weighed = weigh(
                    bundle,
                    budget,
                    device=machines.get(row, row),
                    batch=batch,
                    length=length,
                    modes=modes,
                    every=every,
                    soaked=soaked,
                )
            except (Undecided, InputError) as error:
                cells.append(Cell(device=row, budget=budget.name, verdict=None, choice=None, tie=False, why=str(error)))
            else:
                verdict = conclude(weighed, prefer)
                cells.append(
                    Cell(
                        device=row,
                        budget=budget.name,
                        verdict=verdict.verdict,
                        choice=verdict.choice,
                        tie=verdict.tie,
                        why=verdict.sentence,
                    )
                )
    return Matrix(
        schema_version=SCHEMA_VERSION,
        bundle=str(bundle),
        devices=tuple(rows),
        budgets=tuple(budget.name for budget in budgets),
        limits=tuple(str(budget) for budget in budgets),
        cells=tuple(cells),
    )


def _machines(bundle: Path) -> dict[str, str]:
    """A name for each machine that was measured, and its fingerprint; where two share a name, part of that too."""
    found = {profile.device.fingerprint: profile.device.name for _, profile in read_profiles(bundle)}
    shared = {name for name, times in Counter(found.values()).items() if times > 1}
    return {
        f"{name} ({fingerprint[:8]})" if name in shared else name: fingerprint for fingerprint, name in found.items()
    }
