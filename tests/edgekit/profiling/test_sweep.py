"""Crossovers of a sweep: who is compared with whom, and what is said of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from edgekit.decision.words import crossover_text
from edgekit.profiling.sweep import crossovers
from edgekit_targets.types.profile import Measurement


@pytest.fixture
def make(make_artifact: Any, make_measurement: Any) -> Any:
    return make_artifact, make_measurement


def sweep(make: Any, family: str, speeds: dict[int, float], **changes: Any) -> list[Measurement]:
    found = []
    for length, p50 in speeds.items():
        artifact, measurement = make
        one = measurement(artifact(family), length=length, **changes)
        latency = dataclasses.replace(
            one.latency, p50_seconds=p50, p50_low_seconds=p50 * 0.98, p50_high_seconds=p50 * 1.02
        )
        found.append(dataclasses.replace(one, latency=latency))
    return found


LSTM = {16: 16e-6, 64: 64e-6, 256: 256e-6}
TRANSFORMER = {16: 60e-6, 64: 80e-6, 256: 160e-6}


def test_the_pair_is_compared_alike(make: Any) -> None:
    (found,) = crossovers(
        sweep(make, "lstm", LSTM)
        + sweep(make, "transformer", TRANSFORMER)
        + sweep(make, "linear", dict.fromkeys(LSTM, 1e-6))
    )
    assert found.families == ("lstm", "transformer")
    assert found.length is not None
    assert 64 < found.length < 256
    assert (found.faster_before, found.faster_after, found.target) == ("lstm", "transformer", "cpu")
    assert crossover_text(found).startswith("The Transformer overtakes at length ")


def test_each_at_its_best_comes_first_where_there_are_several_ways(make: Any) -> None:
    faster = {length: p50 / 4 for length, p50 in TRANSFORMER.items()}
    found = crossovers(
        sweep(make, "lstm", LSTM)
        + sweep(make, "transformer", TRANSFORMER)
        + sweep(make, "lstm", LSTM, target="openvino")
        + sweep(make, "transformer", faster, target="openvino")
    )
    assert [one.target for one in found] == [None, "cpu", "openvino"]
    assert found[0].faster_before == found[0].faster_after == "transformer"
    assert crossover_text(found[0]) == "The Transformer is the faster from length 16 to 256 (each at its best)."


def test_invalid_measurements_and_single_lengths_say_nothing(make: Any) -> None:
    spoilt = [dataclasses.replace(one, valid=False) for one in sweep(make, "lstm", LSTM)]
    assert crossovers(spoilt + sweep(make, "transformer", TRANSFORMER)) == ()
    assert crossovers([]) == ()


def test_other_models_are_compared_with_one_another(make: Any) -> None:
    found = crossovers([one for name in "abc" for one in sweep(make, name, LSTM)])
    assert [one.families for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert crossover_text(found[0]).endswith("no crossover can be told from length 16 to 256.")


def steps(make: Any, family: str, p50: float, **changes: Any) -> list[Measurement]:
    return [dataclasses.replace(one, mode="stream") for one in sweep(make, family, {1: p50}, **changes)]


def test_a_window_is_held_against_its_own_step_and_steps_against_each_other(make: Any) -> None:
    found = crossovers(sweep(make, "lstm", LSTM) + steps(make, "lstm", 30e-6) + steps(make, "transformer", 90e-6))
    assert [(one.families, one.modes) for one in found] == [
        (("lstm", "transformer"), ("stream", "stream")),
        (("lstm", "lstm"), ("window", "stream")),
    ]
    streams, own = (crossover_text(one) for one in found)
    assert streams == "The step of the LSTM's stream is the faster at any length (fp32 on ONNX Runtime, 1 thread)."
    assert found[1].length == pytest.approx(30, rel=0.01)
    assert own.startswith("The step of the LSTM's stream overtakes at length 30 [")


def test_a_stream_at_a_pace_is_not_held_against_a_closed_loop(make: Any) -> None:
    assert crossovers(sweep(make, "lstm", LSTM) + steps(make, "lstm", 30e-6, every_seconds=0.02)) == ()


def batches(make: Any, family: str, speeds: dict[int, float]) -> list[Measurement]:
    return [dataclasses.replace(one, batch=one.length, length=25) for one in sweep(make, family, speeds)]


def test_batches_have_crossovers_too(make: Any) -> None:
    (found,) = crossovers(batches(make, "lstm", LSTM) + batches(make, "transformer", TRANSFORMER))
    assert (found.over, found.batch, found.steps) == ("batch", None, 25)
    assert found.length == pytest.approx(100, rel=0.01)
    assert crossover_text(found).startswith("The Transformer overtakes at batch ")
    assert crossover_text(found).endswith("(fp32 on ONNX Runtime, 1 thread, 25 steps).")
