"""Everything about one data set: its models, what explains each of them, and how faithfully."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from edgekit.rounds.bundles import Wanted, bundles, slug
from edgekit.rounds.context import Context
from edgekit.rounds.contract import TRANSFORMER, Family
from edgekit.rounds.effort import Size
from edgekit.rounds.interpretability.faithful import FAMILIES, Explained, explained
from edgekit.rounds.training import Job, train_all, trials, tune
from edgekit_targets.bundle import read_manifest

if TYPE_CHECKING:
    from edgekit.explaining.contract import Faithfulness, Method
    from edgekit.explaining.faithfulness import Measured
    from edgekit.statistics.means import Mean
    from edgekit.statistics.proportions import Difference

_ATTENTIVE: Final[tuple[Method, ...]] = ("attention", "rollout")
_MADE: Final = "text:"
Scores: TypeAlias = "dict[tuple[Family, Method], Faithfulness]"


@dataclass(frozen=True, kw_only=True, eq=False)
class OnSet:
    """One data set: every model of each family in the same order (sizes, then seeds), and what was chosen for each.

    ``best`` is the method of each family with the best mean score on the validation part, ``looking`` the better of
    the two ways to read attention, chosen likewise.
    """

    data: str
    models: Mapping[Family, Sequence[Explained]]
    accuracy: Mapping[Family, float]
    best: Mapping[Family, Method]
    looking: Method

    def measured(self, family: Family, method: Method, split: str = "test") -> list[Measured]:
        """The curves of one method in every model."""
        return [model[split, method] for model in self.models[family]]


def explain_set(context: Context, data: str) -> OnSet:
    """Train every size with every seed, equal trials of the step size for both, and explain each model."""
    dataset = context.load(data, 0)
    made = {"epochs": str(context.effort.epochs)} if data.startswith(_MADE) else {}
    chosen = {size.name: {**size.settings, **made} for size in sizes_of(context)}
    tried = [job for each in chosen.values() for family in FAMILIES for job in trials(context, family, dataset, each)]
    train_all(context, tried, f"explain {data}: step sizes")
    for settings in chosen.values():
        for family in FAMILIES:
            settings |= tune(context, family, dataset, settings)
    seeds = range(context.effort.seeds_explained)
    models = [(size, settings, seed) for size, settings in chosen.items() for seed in seeds]
    jobs = [
        Job(family=family, dataset=context.load(data, seed), settings=settings, seed=seed)
        for _, settings, seed in models
        for family in FAMILIES
    ]
    train_all(context, jobs, f"explain {data}: train")  # the export finds the weights in the user's cache
    wanted = [
        Wanted(
            name=f"explain-{slug(data)}-{size}-{seed}",
            models=FAMILIES,
            data=data,
            settings=settings,
            seed=seed,
            attention=True,
        )
        for size, settings, seed in models
    ]
    folders = bundles(context, wanted, f"explain {data}: export")
    found = explained(context, folders, f"explain {data}: hide and show")
    by_family = {family: [found[folder, family] for folder in folders] for family in FAMILIES}
    return OnSet(
        data=data,
        models=by_family,
        accuracy={family: _accuracy(folders, family) for family in FAMILIES},
        best={family: _best(each) for family, each in by_family.items()},
        looking=_best(by_family[TRANSFORMER], _ATTENTIVE),
    )


def _accuracy(folders: Sequence[Path], family: Family) -> float:
    """The mean test accuracy of the family's files."""
    found = [
        one.accuracy.value
        for folder in folders
        for one in read_manifest(folder).artifacts
        if one.family == family and one.accuracy is not None
    ]
    return sum(found) / len(found)


def _best(models: Sequence[Explained], among: Sequence[Method] = ()) -> Method:
    """The method with the best score on the validation part."""
    from edgekit.explaining.faithfulness import score

    known: list[Method] = [method for split, method in models[0] if split == "validation"]
    scored = {
        method: score(method, [model["validation", method] for model in models]).score
        for method in known
        if not among or method in among
    }
    return max(scored, key=lambda method: float("-inf") if scored[method] is None else float(scored[method] or 0.0))


def difference(one: OnSet, first: tuple[Family, Method], second: tuple[Family, Method]) -> Mean | None:
    """The first's score minus the second's: same samples, models in pairs."""
    from edgekit.explaining.faithfulness import values
    from edgekit.statistics.crossed import crossed

    mine, theirs = values(one.measured(*first)), values(one.measured(*second))
    if mine is None or theirs is None:
        return None
    return crossed(mine - theirs)


def scores_of(one: OnSet) -> Scores:
    """Every method of every family on the test part."""
    from edgekit.explaining.faithfulness import score

    found = {}
    for family in FAMILIES:
        for split, method in one.models[family][0]:
            if split == "test":
                found[family, method] = score(method, one.measured(family, method), one.measured(family, "occlusion"))
    return found


def score_alone(one: OnSet, family: Family) -> Mean | None:
    """The score of a family's best method; that of a random order is 0."""
    from edgekit.explaining.faithfulness import values
    from edgekit.statistics.crossed import crossed

    found = values(one.measured(family, one.best[family]))
    return None if found is None else crossed(found)


def over_sets(found: Sequence[Mean | None]) -> Difference | None:
    """The mean over sets, each counting the same; None where one has none."""
    from edgekit.statistics.proportions import Difference
    from edgekit.statistics.seeds import pooled

    known = [
        Difference(one.value, one.low, one.high, None)
        for one in found
        if one is not None and one.low is not None and one.high is not None
    ]
    return pooled(known) if known and len(known) == len(found) else None


def sizes_of(context: Context) -> Sequence[Size]:
    """In a quick run the largest alone: what takes the time here is not training but one export a model."""
    return context.effort.sizes[-1:] if context.effort.quick else context.effort.sizes
