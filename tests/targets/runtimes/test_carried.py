"""States carried from step to step, by both runtimes, on a model small enough to work out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit_targets.errors import InputError
from edgekit_targets.runtimes import find
from edgekit_targets.runtimes.carried import Carried, alternate, fed
from edgekit_targets.runtimes.contract import Session
from edgekit_targets.types.manifest import State, Tensor
from edgekit_targets.types.session import SessionOptions

STATES = (
    State(input="total", output="total_next", shape=(1, "batch", 2), dtype="float32", initial=0.5),
    State(input="count", output="count_next", shape=("batch",), dtype="int64", initial=3),
    State(input="odd", output="odd_next", shape=("batch",), dtype="bool", initial=1),
)
INPUTS = (
    Tensor(name="x", dtype="float32", shape=("batch", 2)),
    Tensor(name="total", dtype="float32", shape=(1, "batch", 2)),
    Tensor(name="count", dtype="int64", shape=("batch",)),
    Tensor(name="odd", dtype="bool", shape=("batch",)),
)
OUTPUTS = tuple(
    Tensor(name=name, dtype="float32", shape=("batch", 2)) for name in ("y", "total_next", "count_next", "odd_next")
)


@pytest.fixture(scope="module", params=["cpu", "openvino"])
def session(request: pytest.FixtureRequest, adder: Path) -> Iterator[Session]:
    target = find(request.param)
    target.prepare()
    made = target.open(adder, SessionOptions(), target.check(adder))
    yield made
    made.close()


def floats(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).integers(-8, 8, shape).astype(np.float32)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.integers(1, 5), steps=st.integers(1, 9), again=st.integers(1, 3))
def test_every_step_reads_what_the_last_one_left(session: Session, batch: int, steps: int, again: int) -> None:
    session.bind({"x": np.zeros((batch, 2), np.float32)}, STATES)
    for round_ in range(again):
        x = floats(batch, steps, 2, seed=round_)
        session.reset()
        for step in range(steps):
            session.write({"x": x[:, step]})
            session.run()
            answers = session.read()
            assert list(answers) == ["y"], "carried states are not answers"
            np.testing.assert_array_equal(answers["y"], 0.5 + x[:, : step + 1].sum(axis=1) + 3 + step)


def test_a_window_can_be_bound_again_after_a_stream(session: Session) -> None:
    session.bind({"x": floats(2, 2)}, STATES)
    feeds = {
        "x": floats(1, 2),
        "total": np.ones((1, 1, 2), np.float32),
        "count": np.zeros(1, np.int64),
        "odd": np.zeros(1, bool),
    }
    session.bind(feeds)
    session.run()
    answers = session.read()
    np.testing.assert_array_equal(answers["y"], feeds["x"] + 1)
    np.testing.assert_array_equal(answers["total_next"][0], feeds["x"] + 1)
    assert answers["odd_next"].tolist() == [True]


def test_a_state_the_model_does_not_have_is_refused(session: Session) -> None:
    wrong = State(input="h", output="h_next", shape=("batch",), dtype="float32", initial=0.0)
    with pytest.raises(InputError, match="no state h -> h_next"):
        session.bind({"x": floats(1, 2)}, (wrong,))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dtype": "float64"}, "is float32 in the model, not float64"),
        ({"dtype": "int64"}, "is float32 in the model, not int64"),
        ({"shape": (1, "streams", 2)}, "dimension streams"),
        ({"shape": (0, "batch", 2)}, "cannot be held"),
        ({"shape": (1 << 20, 1 << 20)}, "cannot be held"),
    ],
)
def test_states_that_cannot_be_are_refused_in_one_line(changes: dict[str, Any], words: str) -> None:
    fields: dict[str, Any] = {
        "input": "total",
        "output": "total_next",
        "shape": (1, "batch", 2),
        "dtype": "float32",
        "initial": 0.0,
    }
    with pytest.raises(InputError) as caught:
        Carried((State(**(fields | changes)),), INPUTS, OUTPUTS, {"x": floats(1, 2)})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_states_cannot_share_an_end() -> None:
    with pytest.raises(InputError, match="share"):
        Carried((STATES[0], STATES[0]), INPUTS, OUTPUTS, {"x": floats(1, 2)})


def test_the_two_sets_take_turns_and_a_reset_fills_both() -> None:
    carried = Carried(STATES, INPUTS, OUTPUTS, {"x": floats(4, 2)})
    first, second = carried.turns
    assert first.writes["total_next"] is second.reads["total"]
    assert second.writes["total_next"] is first.reads["total"]
    first.reads["total"][...] = 9
    second.reads["count"][...] = 9
    carried.reset()
    for turn in carried.turns:
        assert turn.reads["total"].shape == (1, 4, 2)
        assert (turn.reads["total"] == 0.5).all()
        assert turn.reads["count"].tolist() == [3, 3, 3, 3]
        assert turn.reads["odd"].all()


def test_without_states_there_is_one_turn_and_nothing_in_between() -> None:
    (turn,) = Carried((), INPUTS, OUTPUTS, {}).turns
    assert (dict(turn.reads), dict(turn.writes)) == ({}, {})

    def call() -> None:
        pass

    assert alternate([call]) is call
    assert fed(INPUTS, STATES) == INPUTS[:1]


def test_calls_alternate() -> None:
    made: list[str] = []
    call = alternate([lambda: made.append("a"), lambda: made.append("b")])
    for _ in range(5):
        call()
    assert made == ["a", "b", "a", "b", "a"]
