"""Windows and streams in one bundle: judged side by side, never one by the other's figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.budget.load import load_budget
from edgekit.decision.figures import Evidence
from edgekit.decision.pick import pick
from edgekit_targets.errors import InputError

Make = Callable[..., Evidence]
MakeBundle = Callable[..., Path]
BUDGET = load_budget("p99=20ms, accuracy=0.9")


@pytest.fixture
def make_both(make_artifact: Any, make_measurement: Any) -> Make:
    def make(family: str, mode: str, *, p99: float, length: int, validation: float = 0.97) -> Evidence:
        artifact = make_artifact(
            family, mode=mode, id=f"{family}-{mode}-fp32-portable-plain", validation=validation, file=f"{family}-{mode}"
        )
        return Evidence(artifact, make_measurement(artifact, p99=p99, length=length), artifact)

    return make


def test_windows_are_judged_at_the_datas_length_and_streams_at_one_step(
    make_both: Make, make_bundle: MakeBundle
) -> None:
    bundle = make_bundle(
        make_both("lstm", "window", p99=0.004, length=25),
        make_both("transformer", "window", p99=0.003, length=25),
        make_both("lstm", "stream", p99=0.0001, length=1),
        make_both("transformer", "stream", p99=0.0002, length=1),
    )
    verdict = pick(bundle, BUDGET)
    assert len(verdict.candidates) == 4
    assert verdict.choices.window is not None
    assert (verdict.choices.window.family, verdict.choices.window.mode) == ("transformer", "window")
    assert verdict.choices.stream is not None
    assert (verdict.choices.stream.family, verdict.choices.stream.mode) == ("lstm", "stream")
    assert verdict.choice == verdict.choices.stream, "one answer costs least there"
    assert {(one.family, one.mode) for one in verdict.pareto} == {("transformer", "window"), ("lstm", "stream")}
    assert "Ship the LSTM, fp32, stream, on ONNX Runtime with 1 thread" in verdict.sentence
    assert "The Transformer fits too, but at best (fp32, stream on ONNX Runtime) its CPU time" in verdict.sentence


def test_a_family_is_compared_in_the_mode_of_the_choice(make_both: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(
        make_both("lstm", "stream", p99=0.0001, length=1),
        make_both("transformer", "window", p99=0.003, length=25),
    )
    sentence = pick(bundle, BUDGET).sentence
    assert "LSTM, fp32, stream" in sentence
    assert "Transformer" not in sentence


def test_a_length_asked_for_is_that_of_windows(make_both: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(
        make_both("lstm", "window", p99=0.004, length=64), make_both("lstm", "stream", p99=0.0001, length=1)
    )
    verdict = pick(bundle, BUDGET, length=64)
    assert (verdict.length, len(verdict.candidates)) == (64, 2)


def test_streams_alone_need_no_length(make_both: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(make_both("lstm", "stream", p99=0.0001, length=1))
    verdict = pick(bundle, BUDGET)
    assert verdict.choices.window is None
    assert verdict.choice == verdict.choices.stream
    with pytest.raises(InputError, match="--batch 2"):
        pick(bundle, BUDGET, batch=2)
