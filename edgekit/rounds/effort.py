"""How much a run does: in full, or quickly. Everything that a figure depends on and nobody measured stands here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgekit.profiling.plan import Plan
from edgekit_targets.types.manifest import Precision

FEWEST_SEEDS = 3
"""With fewer no interval over seeds means anything, and no sentence about families is said."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """One size of both families, with about as many ``parameters``: ``settings`` are ``--set`` on preset ``iot``."""

    name: str
    parameters: int
    settings: Mapping[str, str]


SMALL = Size(
    name="small",
    parameters=9_000,
    settings={
        "lstm.hidden": "40",
        "lstm.layers": "1",
        "transformer.dim": "32",
        "transformer.heads": "4",
        "transformer.ff": "64",
        "transformer.layers": "1",
    },
)
MEDIUM = Size(
    name="medium",
    parameters=38_000,
    settings={
        "lstm.hidden": "54",
        "lstm.layers": "2",
        "transformer.dim": "48",
        "transformer.heads": "4",
        "transformer.ff": "96",
        "transformer.layers": "2",
    },
)
LARGE = Size(name="large", parameters=100_000, settings={})
"""The preset itself."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How many seeds, sizes, trials, distances and samples. Both families get the same of each."""

    quick: bool
    seeds: int
    """Of round one, whose models are small and learn made tasks."""
    seeds_beside: int
    """Of what stands beside a comparison and decides nothing: short windows, the adding problem, cut sequences."""
    seeds_explained: int
    """Of round three, where one costs an export and thousands of questions to the file."""
    seeds_learning: int
    """Of the learning curves, and so of what round five asks to fit."""
    sizes: tuple[Size, ...]
    """Ascending."""
    recall_sizes: tuple[Size, ...]
    """Of round one, likewise: four symbols need no large model, and long distances take their time."""
    learning_rates: tuple[float, ...]
    """The trials of tuning, the same for both families: the best validation loss of one seed is used for all."""
    distances: tuple[int, ...]
    windows: tuple[int, ...]
    """Windows of the Transformer that are held against one that spans the whole sequence."""
    adding_lengths: tuple[int, ...]
    samples: int
    """Training sequences of a made task."""
    held_out: int
    """To validate on, and as many to test."""
    epochs: int
    """Of a made task."""
    fractions: tuple[float, ...]
    shares: tuple[float, ...]
    """Of the steps of a sequence: how much is lost by deciding earlier."""
    data: tuple[str, ...]
    explained: tuple[str, ...]
    """Sets whose models are explained."""
    explained_samples: int
    """Of each of their validation and test parts, at most."""
    length: int | None = None
    """Steps of the recall task; null for the distance and a short lead."""
    lengths: tuple[int, ...]
    """Of windows, for the time of one inference."""
    batches: tuple[int, ...]
    parallel_everywhere: bool
    """Measure batches in every size, and every core at every length; else in the largest size and at the longest."""
    targets: tuple[str, ...]
    """For the p99 of what was trained; none means every one that can run."""
    speed_targets: tuple[str, ...] = ()
    """For round two, likewise."""
    precisions: tuple[Precision, ...] = ("fp32", "int8-dynamic")
    """For round two."""
    plan: Plan = field(default_factory=Plan)
    """For what was trained: budgets ask for its p99, which takes launches to bound."""
    speed_plan: Plan = field(default_factory=Plan)
    """For round two, which asks for means and medians, at many lengths."""

    @property
    def fewest_seeds(self) -> int:
        """Of whatever has the fewest."""
        return min(self.seeds, self.seeds_beside, self.seeds_explained, self.seeds_learning)


FULL = Effort(
    quick=False,
    seeds=5,  # sequences of 512 steps take minutes a model
    seeds_beside=3,
    seeds_explained=10,
    seeds_learning=10,
    sizes=(SMALL, MEDIUM, LARGE),
    recall_sizes=(SMALL, MEDIUM),
    learning_rates=(1e-3, 3e-3, 1e-2),
    distances=(8, 16, 32, 64, 128, 256, 512),
    windows=(8, 32, 128),
    adding_lengths=(50, 100, 200),
    samples=768,
    held_out=512,
    epochs=30,
    fractions=(0.05, 0.1, 0.25, 0.5, 1.0),
    shares=(0.25, 0.5, 1.0),
    data=("aeon:JapaneseVowels", "aeon:ItalyPowerDemand", "aeon:BasicMotions", "aeon:GunPoint", "aeon:ArrowHead"),
    explained=("text:remarks", "aeon:JapaneseVowels", "aeon:BasicMotions"),
    explained_samples=100,
    lengths=(8, 16, 32, 64, 128, 256, 512, 1024),
    batches=(1, 8, 32),
    parallel_everywhere=True,
    targets=(),
    speed_plan=Plan(launches=5, rounds=6, samples=3000, seconds=3.0),
)
_QUICK_PLAN = Plan(launches=5, rounds=3, samples=4500, seconds=0.6)
QUICK = Effort(
    quick=True,
    seeds=8,
    seeds_beside=3,
    seeds_explained=3,
    seeds_learning=4,
    sizes=(SMALL, MEDIUM),
    recall_sizes=(SMALL, MEDIUM),
    learning_rates=(3e-3, 1e-2),
    distances=(8, 24, 48),
    windows=(16,),
    adding_lengths=(50,),
    samples=256,
    held_out=128,
    epochs=30,
    fractions=(0.1, 0.25, 1.0),
    shares=(0.5, 1.0),
    data=("aeon:JapaneseVowels", "aeon:ItalyPowerDemand", "aeon:BasicMotions"),
    explained=("text:remarks", "aeon:JapaneseVowels"),
    explained_samples=40,
    lengths=(16, 64, 256),
    batches=(1, 8),
    parallel_everywhere=False,
    targets=("cpu",),
    speed_targets=("cpu",),
    plan=_QUICK_PLAN,
    speed_plan=_QUICK_PLAN,
)
