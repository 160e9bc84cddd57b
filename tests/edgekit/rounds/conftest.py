"""A tiny run: every round for real, with three seeds, two sizes and as little of the rest as there can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgekit.budget.load import load_budget
from edgekit.profiling.plan import Plan
from edgekit.rounds import edge
from edgekit.rounds.business import round as business
from edgekit.rounds.context import Context
from edgekit.rounds.contract import ScoreCard
from edgekit.rounds.effort import Effort, Size
from edgekit.rounds.memory import round as memory
from edgekit.rounds.play import card
from edgekit.rounds.speed import round as speed
from edgekit.rounds.work import Work
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.progress import silent

MakeContext = Callable[..., Context]


def _size(name: str, hidden: int, dim: int) -> Size:
    settings = {"lstm.hidden": hidden, "lstm.layers": 1, "transformer.dim": dim, "transformer.layers": 1}
    others = {"transformer.heads": 2, "transformer.ff": dim}
    return Size(name=name, parameters=500, settings={key: str(value) for key, value in (settings | others).items()})


PLAN = Plan(launches=1, rounds=1, samples=110, seconds=0.1)
TINY = Effort(
    quick=True,
    seeds=3,
    seeds_beside=3,
    seeds_explained=3,
    seeds_learning=3,
    sizes=(_size("least", 8, 8),),
    recall_sizes=(_size("least", 8, 8),),
    learning_rates=(2e-2,),
    distances=(2, 4),
    windows=(3,),
    adding_lengths=(6,),
    samples=64,
    held_out=24,
    epochs=8,
    fractions=(0.05, 0.5, 1.0),
    shares=(0.5, 1.0),
    data=("aeon:UnitTest",),
    explained=(),  # takes long; test_interpretability.py gives one
    explained_samples=12,
    lengths=(4, 8),
    batches=(1, 2),
    parallel_everywhere=False,
    targets=("cpu",),
    speed_targets=("cpu",),
    precisions=("fp32",),
    plan=PLAN,
    speed_plan=PLAN,
)


class Stages(dict[str, float]):
    """Takes progress, and remembers what was told of."""

    def __call__(self, stage: str, done: float, total: float) -> None:
        self[stage] = total


@pytest.fixture(scope="session")
def make_context() -> MakeContext:
    def make(out: Path, effort: Effort = TINY, **others: object) -> Context:
        values: dict[str, object] = {
            "out": out,
            "effort": effort,
            "work": Work(out),
            "budgets": (load_budget("imu-50hz"),),
            "connect": LocalAgent,
            "progress": silent,
            "tell": lambda line: None,
        }
        return Context(**(values | others))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def played(make_context: MakeContext, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Context, ScoreCard]]:
    """One tiny run of the rounds that this folder has, shared by the tests that look at it."""
    folder = tmp_path_factory.mktemp("rounds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        context = make_context(folder / "out", progress=Stages())
        yield context, card(context, [one.play(context) for one in (memory, speed, business, edge)])
