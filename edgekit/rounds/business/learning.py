"""What the business round trains: every family and size on every set, with less and less training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgekit.rounds.bundles import Wanted, slug
from edgekit.rounds.business.subsets import first_steps, subset
from edgekit.rounds.context import Context
from edgekit.rounds.effort import Size
from edgekit.rounds.training import PRESET, Job, Repeated, own, train, train_all, trials, tune
from edgekit_targets.errors import InputError
from edgekit_targets.types.manifest import MODES, REFERENCE_PAIR

BASELINES = ("linear", "conv")
BASE = Size(name="as it is", parameters=0, settings={})
"""Baselines come in one size."""
_WIDEST = 512


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A family in one size, with the step size tuned on one set."""

    data: str
    family: str
    size: Size
    settings: Mapping[str, str]

    @property
    def name(self) -> str:
        """For tables."""
        return self.family if self.family in BASELINES else f"{self.family} {self.size.name}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Learned(Repeated):
    """One model trained with ``fraction`` of the data and ``share`` of the steps, once a seed.

    ``samples`` and ``steps`` are what these came to; of ``samples`` some validate.
    """

    model: Model
    fraction: float
    share: float
    samples: int
    steps: int

    @property
    def basis(self) -> str:
        """What a figure of it rests on."""
        return f"{len(self.trained)} seeds, {self.trained[0].test_samples} test samples"


def models(context: Context, data: str) -> list[Model]:
    """Both families in every size and the baselines, each tuned with the same number of trials."""
    whole = context.load(data, 0)
    wanted = [(family, size) for size in context.effort.sizes for family in REFERENCE_PAIR]
    wanted += [(family, BASE) for family in BASELINES]
    window = str(min(_WIDEST, whole.length))
    plain = [own({**size.settings, "transformer.window": window}, family) for family, size in wanted]
    tried = [
        job
        for (family, _), settings in zip(wanted, plain, strict=True)
        for job in trials(context, family, whole, settings)
    ]
    train_all(context, tried, f"{data}: step sizes")
    return [
        Model(data=data, family=family, size=size, settings=tune(context, family, whole, settings))
        for (family, size), settings in zip(wanted, plain, strict=True)
    ]


def jobs(context: Context, model: Model, fraction: float, share: float = 1.0) -> list[Job] | None:
    """To train ``model`` on ``fraction`` of the samples and the first ``share`` of the steps, once a seed.

    Each seed has its own split and its own order of samples. None where a class has too few samples.
    """
    found = []
    for seed in range(context.effort.seeds_learning if share == 1.0 else context.effort.seeds_beside):
        less = subset(context.load(model.data, seed), fraction, seed)
        if less is None:
            return None
        used = less if share == 1.0 else first_steps(less, share)
        settings = model.settings
        if share != 1.0 and "transformer.window" in settings:
            settings = {**settings, "transformer.window": str(min(_WIDEST, used.length))}
        found.append(Job(family=model.family, dataset=used, settings=settings, seed=seed))
    return found


def learn(context: Context, model: Model, fraction: float, share: float = 1.0) -> Learned | None:
    """Do these jobs, or take them from an earlier run; None where a class has too few samples."""
    found = jobs(context, model, fraction, share)
    if found is None:
        return None
    used = found[0].dataset
    return Learned(
        model=model,
        fraction=fraction,
        share=share,
        samples=len(used.x_train) + len(used.x_valid),
        steps=used.length,
        trained=[train(context, job) for job in found],
    )


def check_sets(context: Context) -> None:
    """Load every set, so that one that cannot be used is refused before anything is trained.

    Raises:
        InputError: as :func:`edgekit_export.data.load`, or a set of which no fraction has every class.
    """
    for data in context.effort.data:
        dataset = context.load(data, 0)
        if all(subset(dataset, fraction, 0) is None for fraction in context.effort.fractions):
            raise InputError(
                f"--data {data}: {len(dataset.x_train)} training samples are too few for {len(dataset.classes)} "
                "classes at any fraction; give a larger set"
            )


def stem_of(data: str) -> str:
    """How the folders of a set's bundles begin."""
    return slug(data.rpartition(":")[2])[-40:]


def wanted_of(context: Context, found: Sequence[Model], size: Size) -> Wanted:
    """The bundle that holds the families of ``found`` in ``size``, exported from the whole set.

    The baselines are in the bundle of the first size.
    """
    own_models = [one for one in found if one.size is size]
    if size is context.effort.sizes[0]:
        own_models += [one for one in found if one.size is BASE]
    settings: dict[str, str] = {}
    for one in own_models:
        settings |= one.settings
    data = found[0].data
    return Wanted(
        name=f"{stem_of(data)}-{size.name}",
        models=[one.family for one in own_models],
        data=data,
        settings=settings,
        modes=MODES,
        preset=PRESET,
    )
