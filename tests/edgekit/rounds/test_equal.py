"""At equal cost: the limit that both use, the size by validation, the difference by test."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.rounds.equal import TOLERANCE, Sized, at_equal

RIGHT = (np.random.default_rng(0).random((3, 40)) < 0.8) * 1.0


def sized(size: str, p99: float | None, validation: float, right: np.ndarray = RIGHT, family: str = "lstm") -> Sized:
    return Sized(family=family, size=size, costs={"p99 window": p99}, validation=validation, right=right)


def test_the_limit_is_the_largest_cost_that_both_reach() -> None:
    found = at_equal("p99 window", [sized("s", 1, 0.5), sized("l", 9, 0.9)], [sized("s", 2, 0.5), sized("l", 4, 0.9)])
    assert found is not None
    assert found.limit == pytest.approx(4 * (1 + TOLERANCE))
    assert (found.first.size, found.second.size) == ("s", "l"), "the first's large size costs more than the second's"


def test_where_ranges_do_not_meet_the_cheaper_family_may_use_all_it_has() -> None:
    found = at_equal("p99 window", [sized("s", 1, 0.5), sized("l", 2, 0.9)], [sized("s", 5, 0.9), sized("l", 8, 0.99)])
    assert found is not None
    assert found.limit == pytest.approx(5 * (1 + TOLERANCE))
    assert (found.first.size, found.second.size) == ("l", "s")


def test_sizes_that_were_made_to_match_are_held_against_each_other() -> None:
    """A few percent apart, as parameters are and times from run to run: neither has to fall back to a smaller size."""
    found = at_equal("p99 window", [sized("s", 1, 0.5), sized("l", 9, 0.9)], [sized("s", 1, 0.5), sized("l", 9.8, 0.9)])
    assert found is not None
    assert (found.first.size, found.second.size) == ("l", "l")
    found = at_equal("p99 window", [sized("s", 1, 0.5), sized("l", 9, 0.9)], [sized("s", 1, 0.5), sized("l", 10, 0.9)])
    assert found is not None
    assert (found.first.size, found.second.size) == ("l", "s")


def test_validation_chooses_the_size_whatever_the_test_part_says() -> None:
    worse_on_test = sized("s", 1, 0.9, np.zeros((3, 40)))
    found = at_equal("p99 window", [worse_on_test, sized("l", 2, 0.8)], [sized("s", 2, 0.5)])
    assert found is not None
    assert found.first is worse_on_test
    assert found.difference.value < 0.0


def test_of_equals_the_cheaper_is_taken() -> None:
    found = at_equal("p99 window", [sized("s", 1, 0.9), sized("l", 2, 0.9)], [sized("s", 2, 0.5)])
    assert found is not None
    assert found.first.size == "s"


def test_a_cost_that_was_not_measured_of_every_size_compares_nothing() -> None:
    assert at_equal("p99 window", [sized("s", 1, 0.9), sized("l", None, 0.9)], [sized("s", 2, 0.5)]) is None
