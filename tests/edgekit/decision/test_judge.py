from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.decision.figures import Evidence, Figure
from edgekit.decision.judge import constraint, judge, margin, worst
from edgekit_targets.types.verdict import Limit

UPPER = Limit(name="p99", value=0.02, upper=True)
LOWER = Limit(name="accuracy", value=0.9, upper=False)
FIGURES = st.tuples(st.floats(1e-6, 10), st.floats(1e-6, 10), st.floats(1e-6, 10)).map(sorted)


@pytest.mark.parametrize(
    ("low", "value", "high", "status"),
    [
        (0.010, 0.011, 0.012, "pass"),
        (0.018, 0.019, 0.020, "pass"),
        (0.018, 0.019, 0.021, "undecided"),
        (0.0201, 0.021, 0.022, "fail"),
        (0.018, 0.019, None, "undecided"),
        (0.021, 0.025, None, "fail"),
        (0.021, None, None, "fail"),
        (None, None, None, "unmeasured"),
    ],
)
def test_the_unfavourable_end_of_the_interval_decides(
    low: float | None, value: float | None, high: float | None, status: str
) -> None:
    assert constraint(UPPER, Figure(value, low, high, reason="why")).status == status


def test_an_accuracy_that_straddles_is_not_met_and_names_its_samples() -> None:
    found = constraint(LOWER, Figure(0.92, 0.88, 0.95, samples=370))
    assert found.status == "fail"
    assert found.note is not None
    assert "370 samples" in found.note


def test_a_missing_figure_is_never_met_and_says_why(make_evidence: Callable[..., Evidence]) -> None:
    evidence = make_evidence(accuracy=None, memory=None)
    candidate = judge(evidence, [LOWER, Limit(name="memory", value=1e12, upper=True), UPPER])
    assert [found.status for found in candidate.constraints] == ["unmeasured", "unmeasured", "pass"]
    assert all(found.note for found in candidate.constraints[:2])
    assert candidate.margin is None
    assert candidate.status == "unmeasured"


def test_figures_that_need_a_pace_are_unmeasured_in_a_closed_loop(make_evidence: Callable[..., Evidence]) -> None:
    candidate = judge(make_evidence(), [Limit(name="cpu", value=0.5, upper=True)])
    assert candidate.constraints[0].status == "unmeasured"
    assert "pace" in str(candidate.constraints[0].note)


def test_accuracy_drop_is_against_fp32_on_the_validation_split(make_evidence: Callable[..., Evidence]) -> None:
    limit = Limit(name="accuracy_drop", value=0.2, upper=True)
    found = judge(make_evidence(precision="int8-dynamic", validation=0.94), [limit]).constraints[0]
    assert found.value == pytest.approx(0.03)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.03 < found.high
    assert judge(make_evidence(precision="fp32"), [limit]).constraints[0].value == 0.0


def test_margin_is_room_as_a_share_of_the_limit() -> None:
    assert margin(UPPER, 0.005) == pytest.approx(0.75)
    assert margin(UPPER, 0.03) == pytest.approx(-0.5)
    assert margin(LOWER, 0.99) == pytest.approx(0.1)


def test_the_worst_status_is_the_candidates() -> None:
    assert worst(["pass", "undecided", "unmeasured"]) == "unmeasured"
    assert worst(["pass", "fail", "unmeasured"]) == "fail"


@given(FIGURES, st.floats(1e-3, 10), st.floats(1.0, 5.0))
def test_a_looser_budget_never_turns_a_pass_into_a_fail(figure: list[float], limit: float, looser: float) -> None:
    order = ["fail", "undecided", "pass"]
    found = Figure(figure[1], figure[0], figure[2])
    for tight, loose in (
        (Limit(name="p99", value=limit, upper=True), Limit(name="p99", value=limit * looser, upper=True)),
        (Limit(name="p99", value=limit, upper=False), Limit(name="p99", value=limit / looser, upper=False)),
    ):
        assert order.index(constraint(loose, found).status) >= order.index(constraint(tight, found).status)


@given(FIGURES, st.floats(1e-3, 10))
def test_a_pass_needs_the_value_itself_to_meet_the_limit(figure: list[float], limit: float) -> None:
    found: Any = constraint(Limit(name="p99", value=limit, upper=True), Figure(figure[1], figure[0], figure[2]))
    if found.status == "pass":
        assert figure[2] <= limit
    if found.status == "fail":
        assert figure[0] > limit
