from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit_targets.agent import golden as golden_samples
from edgekit_targets.errors import CheckFailed, InputError
from edgekit_targets.runtimes import find
from edgekit_targets.runtimes.contract import Session
from edgekit_targets.types.manifest import State, Tensor
from edgekit_targets.types.session import SessionFacts, SessionOptions

FACTS = SessionFacts(
    runtime="none", build="none", device="none", threads=1, optimisation="none", precision="float32", shapes="free"
)


class Doubling:
    """A session that answers 2 x, or what it is told to."""

    facts = FACTS

    outputs: tuple[Tensor, ...] = (Tensor(name="y", dtype="float32", shape=("batch", 2)),)

    def __init__(self, shape: tuple[int | str, ...] = ("batch", 2), spoil: float | None = None) -> None:
        self.inputs: tuple[Tensor, ...] = (Tensor(name="x", dtype="float32", shape=shape),)
        self.spoil = spoil
        self.fed: list[Any] = []

    def bind(self, feeds: Mapping[str, Any], states: Sequence[State] = ()) -> None:
        self.fed.append(feeds["x"])

    def write(self, feeds: Mapping[str, Any]) -> None:
        raise AssertionError("nothing is carried")

    def reset(self) -> None:
        raise AssertionError("nothing is carried")

    def run(self) -> None:
        raise AssertionError("bind runs already")

    def read(self) -> dict[str, Any]:
        answer = self.fed[-1] * 2
        if self.spoil is not None:
            answer[0, 0] = self.spoil
        return {"y": answer}

    def synchronise(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def save(**named: Any) -> Path:
        path = tmp_path / "golden.npz"
        np.savez(path, **{name.replace("_", "."): value for name, value in named.items()})
        return path

    return save


@pytest.fixture(params=["cpu", "openvino"])
def session(request: pytest.FixtureRequest, matmul: Path) -> Iterator[Session]:
    target = find(request.param)
    target.prepare()
    made = target.open(matmul, SessionOptions(), target.check(matmul))
    yield made
    made.close()


def test_the_golden_outputs_come_back(session: Session, golden: Callable[..., Path]) -> None:
    found = golden_samples.check(session, golden(), 1e-4)
    assert found.passed
    assert found.tolerance == 1e-4
    assert found.max_abs_error < 1e-5


def test_one_wrong_number_in_one_sample_is_found(session: Session, golden: Callable[..., Path]) -> None:
    found = golden_samples.check(session, golden(error=0.5), 1e-4)
    assert not found.passed
    assert found.max_abs_error == pytest.approx(0.5, abs=1e-5)


def test_samples_are_fed_one_by_one(write: Callable[..., Path]) -> None:
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    session = Doubling()
    assert golden_samples.check(session, write(input_x=x, output_y=2 * x), 0.0).passed
    assert [fed.shape for fed in session.fed] == [(1, 2)] * 4


def test_a_model_of_a_fixed_batch_is_fed_at_once(write: Callable[..., Path]) -> None:
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    session = Doubling(shape=(4, 2))
    assert golden_samples.check(session, write(input_x=x, output_y=2 * x), 0.0).passed
    assert [fed.shape for fed in session.fed] == [(4, 2)]


def test_the_tolerance_itself_passes(write: Callable[..., Path]) -> None:
    x = np.zeros((2, 2), np.float32)
    path = write(input_x=x, output_y=x + np.float32(0.25))
    assert golden_samples.check(Doubling(), path, 0.25).passed
    assert not golden_samples.check(Doubling(), path, 0.2499).passed


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_a_failed_check(write: Callable[..., Path], value: float) -> None:
    x = np.ones((2, 2), np.float32)
    path = write(input_x=x, output_y=2 * x)
    with pytest.raises(CheckFailed, match="output y is not finite"):
        golden_samples.check(Doubling(spoil=value), path, 1.0)
    same = write(input_x=x, output_y=np.array([[value, 2], [value, 2]], np.float32))
    assert golden_samples.check(Doubling(spoil=value), same, 0.0).max_abs_error == 0.0


def test_golden_files_that_make_no_sense(write: Callable[..., Path]) -> None:
    x = np.ones((2, 2), np.float32)
    with pytest.raises(InputError, match="holds no golden outputs"):
        golden_samples.check(Doubling(), write(input_x=x), 1.0)
    with pytest.raises(InputError, match="same number of samples"):
        golden_samples.check(Doubling(), write(output_y=x), 1.0)
    with pytest.raises(InputError, match="same number of samples"):
        golden_samples.check(Doubling(), write(input_x=x, input_z=x[:1], output_y=x), 1.0)
    with pytest.raises(InputError, match="same number of samples"):
        golden_samples.check(Doubling(), write(input_x=x[:0], output_y=x[:0]), 1.0)
    with pytest.raises(InputError, match="no output other"):
        golden_samples.check(Doubling(), write(input_x=x, output_y=2 * x, output_other=x), 1.0)
    with pytest.raises(CheckFailed, match=r"shape \(2, 2\) here, the golden one \(2, 3\)"):
        golden_samples.check(Doubling(), write(input_x=x, output_y=np.ones((2, 3), np.float32)), 1.0)


def test_whole_numbers_are_compared_too(write: Callable[..., Path]) -> None:
    x = np.ones((2, 2), np.float32)
    found = golden_samples.check(Doubling(), write(input_x=x, output_y=np.array([[2, 2], [5, 2]])), 10.0)
    assert found.max_abs_error == 3.0


class Counting:
    """A stream that answers the sum of what it was fed since its reset, plus an error from ``spoiled`` on."""

    facts = FACTS

    inputs: tuple[Tensor, ...] = (
        Tensor(name="x", dtype="float32", shape=("batch", 2)),
        Tensor(name="s", dtype="float32", shape=("batch", 2)),
    )
    outputs: tuple[Tensor, ...] = (
        Tensor(name="y", dtype="float32", shape=("batch", 2)),
        Tensor(name="s_next", dtype="float32", shape=("batch", 2)),
    )
    states = (State(input="s", output="s_next", shape=("batch", 2), dtype="float32", initial=0.0),)

    def __init__(self, spoiled: int | None = None) -> None:
        self.spoiled = spoiled

    def bind(self, feeds: Mapping[str, Any], states: Sequence[State] = ()) -> None:
        assert set(feeds) == {"x"}, "carried states are not fed"
        assert tuple(states) == self.states
        self.x, self.sum, self.step = feeds["x"], feeds["x"] * 7, 7

    def write(self, feeds: Mapping[str, Any]) -> None:
        self.x[...] = feeds["x"]

    def reset(self) -> None:
        self.sum, self.step = np.zeros_like(self.x), 0

    def run(self) -> None:
        self.sum, self.step = self.sum + self.x, self.step + 1

    def read(self) -> dict[str, Any]:
        return {"y": self.sum + (1 if self.spoiled is not None and self.step > self.spoiled else 0)}

    def synchronise(self) -> None:
        pass

    def close(self) -> None:
        pass


def sequences(samples: int = 8, steps: int = 5) -> Any:
    return np.arange(samples * steps * 2, dtype=np.float32).reshape(samples, steps, 2)


@pytest.mark.parametrize("whole", [True, False])
def test_sequences_are_run_step_by_step_from_a_reset(whole: bool) -> None:
    x = sequences()
    before = x.copy()
    found = golden_samples.run_samples(Counting(), {"x": x}, whole=whole, states=Counting.states)
    np.testing.assert_array_equal(found["y"], x.cumsum(axis=1))
    np.testing.assert_array_equal(x, before)


def test_golden_sequences_pass_and_an_error_in_a_late_step_shows(write: Callable[..., Path]) -> None:
    x = sequences()
    path = write(input_x=x, output_y=x.cumsum(axis=1))
    assert golden_samples.check(Counting(), path, 1e-6, Counting.states).passed
    spoiled = golden_samples.check(Counting(spoiled=4), path, 1e-6, Counting.states)
    assert (spoiled.passed, spoiled.max_abs_error) == (False, 1.0)


@pytest.mark.parametrize("x", [np.zeros((8, 0, 2), np.float32), np.zeros(8, np.float32)])
def test_sequences_without_steps_are_refused(x: Any) -> None:
    with pytest.raises(InputError, match="number of steps"):
        golden_samples.run_samples(Counting(), {"x": x}, whole=False, states=Counting.states)
