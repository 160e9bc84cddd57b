"""Everything about one data set: what was learned from how much of it, and what its files cost to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgekit.rounds.bundles import bundles
from edgekit.rounds.business.learning import BASELINES, Learned, jobs, learn, models, wanted_of
from edgekit.rounds.context import Context
from edgekit.rounds.timing import measure
from edgekit.rounds.training import train_all
from edgekit.terminal.format import percent
from edgekit_targets.bundle import read_manifest
from edgekit_targets.types.profile import Measurement


@dataclass(frozen=True, kw_only=True, eq=False)
class OnSet:
    """One set. ``learned`` and ``shorter`` hold every model; ``skipped`` says what was not trained, and why."""

    data: str
    learned: Sequence[Learned]
    shorter: Sequence[Learned]
    measured: Mapping[str, Sequence[Measurement]]
    """By the size whose bundle it is of."""
    sizes_bytes: Mapping[tuple[str, str], int]
    """Of the fp32 window file, by family and size."""
    skipped: Sequence[str]

    @property
    def name(self) -> str:
        """Without where it comes from."""
        return self.data.rpartition(":")[2]

    def at(self, fraction: float) -> list[Learned]:
        """Every model trained on that share."""
        return [one for one in self.learned if one.fraction == fraction]

    @property
    def whole(self) -> list[Learned]:
        """Every model trained on the largest share."""
        return self.at(self.fractions[-1])

    def of(self, one: Learned) -> Sequence[Measurement]:
        """What was measured of its file; the baselines' are in the bundle of the first size."""
        size = one.model.size.name
        return self.measured.get(size) or next(iter(self.measured.values()))

    def bytes_of(self, one: Learned) -> int | None:
        """The size of its fp32 window file; None where it was not exported."""
        found = {size: count for (family, size), count in self.sizes_bytes.items() if family == one.model.family}
        return next(iter(found.values()), None) if one.model.family in BASELINES else found.get(one.model.size.name)

    @property
    def fractions(self) -> list[float]:
        """Those that were not skipped, ascending."""
        return sorted({one.fraction for one in self.learned})


def on_set(context: Context, data: str) -> OnSet:
    """Train on every fraction of one set and on shorter sequences, export every size from all of it, and measure."""
    effort = context.effort
    found = models(context, data)
    largest = [model for model in found if model.size is effort.sizes[-1] or model.family in BASELINES]
    wanted = [(model, fraction, 1.0) for fraction in effort.fractions for model in found]
    wanted += [(model, 1.0, share) for share in effort.shares for model in largest]
    train_all(context, [job for one in wanted for job in jobs(context, *one) or ()], f"{data}: learning curves")
    learned: list[Learned] = []
    skipped = []
    for fraction in effort.fractions:
        of_fraction = [one for model in found if (one := learn(context, model, fraction)) is not None]
        if len(of_fraction) < len(found):
            skipped.append(
                f"{data} at {percent(fraction)} of the training data: a class has no sample left to learn from"
            )
        else:
            learned += of_fraction
    shorter = [one for share in effort.shares for model in largest if (one := learn(context, model, 1.0, share))]
    folders = bundles(context, [wanted_of(context, found, size) for size in effort.sizes], f"{data}: export")
    measured, sizes = {}, {}
    for size, bundle in zip(effort.sizes, folders, strict=True):
        measured[size.name] = measure(context, bundle)
        for file in read_manifest(bundle).artifacts:
            if (file.mode, file.precision, file.variant) == ("window", "fp32", "plain"):
                sizes[file.family, size.name] = file.size_bytes
    return OnSet(
        data=data, learned=learned, shorter=shorter, measured=measured, sizes_bytes=sizes, skipped=tuple(skipped)
    )
