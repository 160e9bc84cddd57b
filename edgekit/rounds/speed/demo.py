"""The demo of the classic comparison: both layers on one input, in PyTorch and as shipped."""

from __future__ import annotations

import dataclasses
import subprocess
from dataclasses import dataclass
from typing import Any

from edgekit.rounds import figures
from edgekit.rounds.bundles import Wanted, bundles
from edgekit.rounds.context import Context
from edgekit.rounds.contract import Figure, Table
from edgekit.rounds.speed.layers import LSTM_LAYER, SHAPE, TRANSFORMER_LAYER
from edgekit.rounds.speed.racing import reason_of, time_figure
from edgekit.rounds.timing import CLOSED
from edgekit.rounds.words import figure_text
from edgekit.statistics.means import Mean
from edgekit.statistics.paired import typical
from edgekit_targets.errors import AgentFailed
from edgekit_targets.records import loads
from edgekit_targets.spawn import environment, python_module, say_exit

FAMILIES = {"lstm": LSTM_LAYER, "transformer": TRANSFORMER_LAYER}
_MODULE = "edgekit.rounds.speed.layers"
_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer in PyTorch: its output's shape, and the median of one call."""

    shape: tuple[int, ...]
    p50: float
    low: float | None
    high: float | None
    samples: int
    launches: int


@dataclass(frozen=True, kw_only=True)
class InPytorch:
    """Both layers."""

    lstm: Layer
    transformer: Layer

    def of(self, family: str) -> Layer:
        """That of one family."""
        return self.lstm if family == "lstm" else self.transformer


def demo(context: Context) -> tuple[Table, list[Figure]]:
    """Shapes and times of ``nn.LSTM(128, 64)`` and ``nn.TransformerEncoderLayer(128, nhead=8)`` on 32 x 10 x 128."""
    import torch

    key = {
        "layers": list(SHAPE),
        "torch": torch.__version__,
        "launches": context.effort.speed_plan.launches,
        "mean": True,
    }
    own = context.work.once(key, InPytorch, lambda: _in_pytorch(context))
    models = [f"{_MODULE}:{name}" for name in FAMILIES.values()]
    (bundle,) = bundles(context, [Wanted(name="layers", models=models)], "speed: export the demo's layers")
    measured = context.profile(
        bundle,
        plan=context.effort.speed_plan,
        targets=context.effort.speed_targets,
        lengths=(SHAPE[0],),
        batches=(SHAPE[1],),
        pace=CLOSED,
    ).measurements
    rows, found = [], []
    for family, name in FAMILIES.items():
        layer = own.of(family)
        torch_figure = figures.measured(
            "the demo's layer in PyTorch, one thread: p50",
            family,
            Mean(layer.p50, layer.low, layer.high),
            "seconds",
            f"{layer.launches} launches, {layer.samples} calls",
        )
        timed = [one for one in measured if one.family == name and one.valid]
        shipped = [
            dataclasses.replace(time_figure(f"the demo's layer as shipped on {one.target}: p50", one), family=family)
            for one in timed
            if one.latency is not None
        ] or [figures.missing("the demo's layer as shipped: p50", family, "seconds", reason_of(measured))]
        found += [torch_figure, *shipped]
        rows.append(
            (
                "nn.LSTM(128, 64)" if family == "lstm" else "nn.TransformerEncoderLayer(128, nhead=8)",
                " x ".join(map(str, layer.shape)),
                figure_text(torch_figure),
                "; ".join(
                    f"{one.what.rpartition(' on ')[2].removesuffix(': p50')} {figure_text(one)}" for one in shipped
                ),
            )
        )
    return Table(
        title=f"The demo's layers as they stand: input {' x '.join(map(str, SHAPE))} (steps, sequences, features)",
        columns=("layer", "output shape", "p50 in PyTorch", "p50 as shipped"),
        rows=tuple(rows),
    ), found


def _in_pytorch(context: Context) -> InPytorch:
    launches = context.effort.speed_plan.launches
    runs = []
    for launch in range(launches):
        context.progress("speed: the demo's layers in PyTorch", launch, launches)
        runs.append(_launch())
    layers = {}
    for family, name in FAMILIES.items():
        rounds = {
            (launch, turn): taken for launch, run in enumerate(runs) for turn, taken in enumerate(run[name]["slices"])
        }
        middle = typical(rounds)
        assert middle is not None
        layers[family] = Layer(
            shape=tuple(runs[0][name]["shape"]),
            p50=middle.value,
            low=middle.low,
            high=middle.high,
            samples=sum(map(len, rounds.values())),
            launches=launches,
        )
    return InPytorch(lstm=layers["lstm"], transformer=layers["transformer"])


def _launch() -> dict[str, Any]:
    """One fresh process that times both.

    Raises:
        AgentFailed: it died.
    """
    done = subprocess.run(
        python_module(_MODULE), env=environment(), capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise AgentFailed(f"timing the layers in PyTorch {say_exit(done.returncode)}: {done.stderr.strip()[-300:]}")
    found: dict[str, Any] = loads(done.stdout, "the layers' times")
    return found
