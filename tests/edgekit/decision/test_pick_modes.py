"""Windows and streams in one bundle: judged side by side, never one by the other's figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.budget.load import load_budget
from edgekit.decision.figures import Evidence
from edgekit.decision.pick import pick
from edgekit.profiling.pace import Pace
from edgekit_targets.errors import InputError
from edgekit_targets.types.profile import Paced, Soak, SoakPoint

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
    assert "The Transformer (fp32, stream on ONNX Runtime at best) fits too, but its CPU time" in verdict.sentence


def test_a_family_is_compared_in_the_mode_of_the_choice(make_both: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(
        make_both("lstm", "stream", p99=0.0001, length=1),
        make_both("transformer", "window", p99=0.003, length=25),
    )
    sentence = pick(bundle, BUDGET).sentence
    assert "LSTM, fp32, stream" in sentence
    assert "The Transformer" not in sentence.partition("The answer depends on the mode")[0]


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


def paced(evidence: Evidence, every: float, p99: float, miss: float = 0.0) -> Evidence:
    """The same candidate at a pace."""
    latency = evidence.measurement.latency
    assert latency is not None
    factor = p99 / (latency.p99_seconds or p99)
    at_pace = dataclasses.replace(
        latency,
        raw_seconds=tuple(tuple(value * factor for value in part) for part in latency.raw_seconds),
        **{
            field.name: value * factor
            for field in dataclasses.fields(latency)
            if field.name.startswith(("p", "mean")) and (value := getattr(latency, field.name)) is not None
        },
    )
    return dataclasses.replace(
        evidence,
        measurement=dataclasses.replace(
            evidence.measurement,
            every_seconds=every,
            latency=at_pace,
            paced=Paced(
                service=latency,
                missed=int(miss * 1000),
                deadline_miss=miss,
                deadline_miss_low=miss / 2,
                deadline_miss_high=miss * 2,
                backlog=1,
                cpu_share=0.1,
                cpu_share_low=0.09,
                cpu_share_high=0.11,
            ),
        ),
    )


def test_one_mode_can_be_asked_for(make_both: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(
        make_both("lstm", "window", p99=0.004, length=25), make_both("lstm", "stream", p99=0.0001, length=1)
    )
    verdict = pick(bundle, BUDGET, modes=["window"])
    assert verdict.choice == verdict.choices.window
    assert verdict.choices.stream is None
    assert {one.mode for one in verdict.candidates} == {"window"}


def test_answers_that_differ_between_the_modes_are_said_to(make_both: Make, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(
        make_both("lstm", "window", p99=0.004, length=25),
        make_both("transformer", "window", p99=0.003, length=25),
        make_both("lstm", "stream", p99=0.0001, length=1),
        make_both("transformer", "stream", p99=0.0002, length=1),
    )
    verdict = pick(bundle, BUDGET)
    assert verdict.sentence.endswith(
        " The answer depends on the mode: as windows the Transformer, as a stream the LSTM."
    )
    slow = [make_both("lstm", "window", p99=0.5, length=25), make_both("lstm", "stream", p99=0.0001, length=1)]
    assert pick(make_bundle(*slow), BUDGET).sentence.endswith(
        "The answer depends on the mode: as windows nothing fits."
    )
    invalid = dataclasses.replace(
        slow[0], measurement=dataclasses.replace(slow[0].measurement, valid=False, disturbed=0.5)
    )
    assert pick(make_bundle(invalid, slow[1]), BUDGET).sentence.endswith("as windows it is undecided.")


def test_a_stream_is_judged_at_its_pace_and_a_window_in_a_closed_loop(make_both: Make, make_bundle: MakeBundle) -> None:
    stream, window = (
        make_both("lstm", "stream", p99=0.0001, length=1),
        make_both("lstm", "window", p99=0.004, length=25),
    )
    bundle = make_bundle(stream, paced(stream, 0.02, 0.0003), window, paced(window, 0.02, 0.005))
    verdict = pick(bundle, BUDGET)
    assert {(one.mode, one.every_seconds) for one in verdict.candidates} == {("stream", 0.02), ("window", None)}
    assert "every 20ms" in verdict.sentence
    closed = pick(bundle, BUDGET, every=Pace(window=None, stream=None))
    assert {one.every_seconds for one in closed.candidates} == {None}
    with pytest.raises(InputError, match="nothing was measured"):
        pick(bundle, BUDGET, every=Pace(window=0.5, stream=0.5))


def test_deadlines_and_the_share_of_a_core_need_a_pace(make_both: Make, make_bundle: MakeBundle) -> None:
    stream = make_both("lstm", "stream", p99=0.0001, length=1)
    budget = load_budget("deadline_miss=1%, cpu=20%")
    bundle = make_bundle(stream, paced(stream, 0.02, 0.0003, miss=0.001))
    verdict = pick(bundle, budget)
    assert [one.status for one in verdict.candidates[0].constraints] == ["pass", "pass"]
    with pytest.raises(InputError, match="--every none contradicts the limit on deadline_miss"):
        pick(bundle, budget, every=Pace(stream=None))
    missing = pick(make_bundle(stream), budget)
    assert [one.status for one in missing.candidates[0].constraints] == ["unmeasured", "unmeasured"]
    assert "--every" in (missing.candidates[0].constraints[0].note or "")


def test_what_was_soaked_is_judged_by_its_end(make_both: Make, make_bundle: MakeBundle) -> None:
    cool, hot = make_both("lstm", "window", p99=0.004, length=25), make_both("conv", "window", p99=0.001, length=25)
    end = make_both("lstm", "window", p99=0.019, length=25).measurement.latency
    assert cool.measurement.latency is not None
    assert end is not None
    points = tuple(
        SoakPoint(start_seconds=start, latency=latency, conditions=None)
        for start, latency in ((0.0, cool.measurement.latency), (60.0, end))
    )
    soak = Soak(seconds=120.0, points=points, ratio=4.0, ratio_low=3.9, ratio_high=4.1)
    warm = dataclasses.replace(cool, measurement=dataclasses.replace(cool.measurement, soak=soak))
    verdict = pick(make_bundle(warm, hot), load_budget("p99=10ms"), soaked=True)
    found = {one.family: one.constraints[0] for one in verdict.candidates}
    assert (found["lstm"].status, found["lstm"].value) == ("fail", 0.019)
    assert found["conv"].status == "unmeasured"
    assert "--soak" in (found["conv"].note or "")
