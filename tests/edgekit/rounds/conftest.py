"""A tiny run: every round for real, with three seeds, two sizes and as little of the rest as there can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.budget.load import load_budget
from edgekit.profiling.plan import Plan
from edgekit.rounds.context import Context
from edgekit.rounds.effort import Effort, Size
from edgekit.rounds.work import Work
from edgekit_targets.agent.client import LocalAgent
from edgekit_targets.progress import silent

MakeContext = Callable[..., Context]


def _size(name: str, hidden: int, dim: int) -> Size:
    settings = {"lstm.hidden": hidden, "lstm.layers": 1, "transformer.dim": dim, "transformer.layers": 1}
    others = {"transformer.heads": 2, "transformer.ff": dim}
    return Size(name=name, settings={key: str(value) for key, value in (settings | others).items()})


TINY = Effort(
    quick=True,
    seeds=3,
    sizes=(_size("least", 8, 8),),
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
    all_threads=False,
    targets=("cpu",),
    speed_targets=("cpu",),
    precisions=("fp32",),
    plan=Plan(launches=2, rounds=1, samples=220, seconds=0.1),
)


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
