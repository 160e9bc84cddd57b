"""How much is left: foreseen at first, then by how fast it goes, and never for what an earlier run did."""

from __future__ import annotations

import pytest

from edgekit.rounds.forecast import ALL, Forecast, about


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def watched(told: list[tuple[str, float, float]], clock: Clock) -> Forecast:
    return Forecast({"train": 100.0, "measure": 300.0}, lambda *given: told.append(given), clock)


def test_at_first_what_was_foreseen_and_then_what_this_machine_takes() -> None:
    told: list[tuple[str, float, float]] = []
    clock = Clock()
    forecast = watched(told, clock)
    assert forecast.left() == 400.0
    forecast("train", 0, 10)
    clock.now = 200.0  # twice as long as foreseen
    forecast("train", 10, 10)
    assert forecast.left() == pytest.approx(600.0)
    assert told[-2:] == [("train", 10, 10), (ALL, 100.0, 400.0)]


def test_what_an_earlier_run_did_does_not_make_this_one_look_fast() -> None:
    clock = Clock()
    forecast = watched([], clock)
    forecast("train", 9, 10)  # at the first call: it was there
    clock.now = 1.0
    assert forecast.left() == pytest.approx(310.0)
    forecast("train", 10, 10)
    forecast("measure", 0, 0)  # nothing to do at all
    assert forecast.left() == 0.0


def test_a_round_that_is_over_is_done_whatever_it_told() -> None:
    forecast = watched([], Clock())
    forecast.finish({"measure": 300.0})
    assert forecast.left() == 100.0


def test_a_stage_that_nobody_foresaw_changes_nothing() -> None:
    forecast = watched([], Clock())
    forecast("something else", 1, 2)
    assert forecast.left() == 400.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3, "less than a minute"), (70, "about 1 min"), (3600, "about 1 h 0 min"), (12_345, "about 3 h 26 min")],
)
def test_how_it_is_told(seconds: float, text: str) -> None:
    assert about(seconds) == text
