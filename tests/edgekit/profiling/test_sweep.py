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
    assert crossover_text(found[0]) == "Transformer is the faster from length 16 to 256 (each at its best)."


def test_invalid_measurements_and_single_lengths_say_nothing(make: Any) -> None:
    spoilt = [dataclasses.replace(one, valid=False) for one in sweep(make, "lstm", LSTM)]
    assert crossovers(spoilt + sweep(make, "transformer", TRANSFORMER)) == ()
    assert crossovers([]) == ()


def test_other_models_are_compared_with_one_another(make: Any) -> None:
    found = crossovers([one for name in "abc" for one in sweep(make, name, LSTM)])
    assert [one.families for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert crossover_text(found[0]).endswith("no crossover can be told from length 16 to 256.")


def test_streams_have_no_length(make: Any) -> None:
    both = sweep(make, "lstm", LSTM) + sweep(make, "transformer", TRANSFORMER)
    assert crossovers([dataclasses.replace(one, mode="stream") for one in both]) == ()
