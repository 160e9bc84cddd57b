"""``--every`` and the pace candidates are judged at."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.profiling.pace import Pace, choose_pace, parse_pace
from edgekit_targets.errors import InputError


@given(st.floats(1e-5, 60.0))
def test_a_period_is_for_both_modes(seconds: float) -> None:
    pace = parse_pace(f"{seconds!r}s")
    assert pace == Pace(window=seconds, stream=seconds)


def test_none_is_a_closed_loop_and_nothing_the_default() -> None:
    assert parse_pace("none") == Pace(window=None, stream=None)
    assert parse_pace(None) is None
    assert (Pace().of("window"), Pace().of("stream")) == (None, 0.02)


@pytest.mark.parametrize("text", ["", "20", "fast", "-5ms", "0ms", "2us", "90s", "20MiB"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--every"):
        parse_pace(text)


def test_windows_are_judged_in_a_closed_loop_and_streams_at_a_pace(make_artifact: Any, make_measurement: Any) -> None:
    one = make_measurement(make_artifact())

    def at(mode: Any, *paces: float | None, asked: Pace | None = None) -> float | None:
        return choose_pace([dataclasses.replace(one, mode=mode, every_seconds=pace) for pace in paces], mode, asked)

    assert at("window", None, 0.02) is None
    assert at("stream", None, 0.02) == 0.02
    assert at("window", 0.05) == 0.05
    assert at("stream", None) is None
    assert at("stream") is None
    assert at("stream", 0.02, 0.05, asked=Pace(stream=0.05)) == 0.05
    with pytest.raises(InputError, match=r"several paces \(20ms, 50ms\); say which with --every"):
        at("stream", 0.02, 0.05)
