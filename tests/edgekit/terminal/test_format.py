from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.budget.keys import KEYS
from edgekit.terminal import format as fmt

FACTORS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "%": 0.01}
FACTORS |= {"uJ": 1e-6, "mJ": 1e-3, "J": 1.0}
POSITIVE = st.floats(min_value=1e-9, max_value=1e6)


def back(text: str) -> float:
    digits, _, unit = text.partition(" ")
    return float(digits) * FACTORS[unit]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.000412345, "412 us"),
        (0.0009999, "1.00 ms"),
        (0.0123456, "12.3 ms"),
        (1.5, "1.50 s"),
        (183.2, "183 s"),
        (3.5e-7, "0.350 us"),
        (-0.0001, "-100 us"),
        (0.0, "0 s"),
        (None, "not measured"),
    ],
)
def test_seconds(value: float | None, text: str) -> None:
    assert fmt.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (1048575, "1.00 MiB"),
        (53477376, "51.0 MiB"),
        (2**33, "8.00 GiB"),
    ],
)
def test_size(value: float, text: str) -> None:
    assert fmt.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.976, "97.6 %"),
        (1.0, "100 %"),
        (0.9996, "99.96 %"),
        (0.0, "0 %"),
        (0.00123, "0.123 %"),
        (1.004, "100.4 %"),
        (4.0, "400 %"),
    ],
)
def test_percent(value: float, text: str) -> None:
    assert fmt.percent(value) == text


def test_margin_has_a_sign() -> None:
    assert fmt.margin(0.17) == "+17.0 %"
    assert fmt.margin(-2.5) == "-250 %"
    assert fmt.margin(0.0) == "0 %"
    assert fmt.margin(None) == "not measured"


def test_an_interval_shares_the_unit_of_its_value() -> None:
    assert fmt.interval(0.00098, 0.00095, 0.00102, fmt.seconds) == "980 us [950, 1020]"
    assert fmt.interval(0.976, 0.955, 0.9876, fmt.percent) == "97.6 % [95.5, 98.8]"
    assert fmt.interval(412345.0, None, None, fmt.size) == "403 KiB"
    assert fmt.interval(412345.0, 412345.0, 412345.0, fmt.size) == "403 KiB [403, 403]"
    assert fmt.interval(0.001, 0.0009, None, fmt.seconds) == "1.00 ms [0.900, no upper bound]"
    assert fmt.interval(0.001, None, 0.002, fmt.seconds) == "1.00 ms [no lower bound, 2.00]"
    assert fmt.interval(None, None, None, fmt.seconds) == "not measured"
    assert fmt.interval(0.3, 0.25, 0.35, fmt.plain) == "0.300 [0.250, 0.350]"


def test_an_exact_figure_has_no_interval() -> None:
    assert fmt.figure("size", 412345.0, 412345.0, 412345.0) == "403 KiB"
    assert fmt.figure("memory", 412345.0, 412345.0, 412345.0) == "403 KiB [403, 403]"
    assert fmt.figure("p99", None, None, None) == "not measured"


def test_a_limit_is_written_as_it_was_set() -> None:
    assert fmt.limit("p99", 0.02) == "20 ms"
    assert fmt.limit("memory", 32 * 2**20) == "32 MiB"
    assert fmt.limit("size", 1e6) == "1 MB"
    assert fmt.limit("size", 500e3) == "500 kB"
    assert fmt.limit("memory", 1.5 * 2**20) == "1.5 MiB"
    assert fmt.limit("accuracy", 0.9) == "90 %"
    assert fmt.limit("p99", 0.0123456) == "12.3456 ms"
    assert fmt.limit("r2", 0.81) == "0.81"


def test_every_key_of_a_budget_has_a_formatter_with_a_unit() -> None:
    for key in KEYS:
        assert " " in fmt.formatter_for(key.name)(0.5)
    assert fmt.formatter_for("r2")(0.5) == "0.500"


@given(POSITIVE)
def test_seconds_and_joules_keep_three_digits(value: float) -> None:
    for formatter in (fmt.seconds, fmt.joules):
        assert math.isclose(back(formatter(value)), value, rel_tol=0.0051)


@given(st.integers(min_value=1, max_value=2**45))
def test_size_keeps_three_digits(value: float) -> None:
    assert math.isclose(back(fmt.size(value)), value, rel_tol=0.0051)


@given(POSITIVE, POSITIVE)
def test_a_larger_figure_never_reads_smaller(one: float, other: float) -> None:
    low, high = sorted((one, other))
    for formatter in (fmt.seconds, fmt.percent, fmt.joules):
        assert back(formatter(low)) <= back(formatter(high)) * (1 + 1e-12)


@given(st.floats(min_value=1e-12, max_value=0.9999999999))
def test_a_share_is_never_rounded_to_nothing_or_to_all(value: float) -> None:
    text = fmt.percent(value)
    assert float(text.removesuffix(" %")) != 0.0
    assert float(text.removesuffix(" %")) < 100.0


@given(POSITIVE, st.floats(0.5, 0.99), st.floats(1.01, 2.0))
def test_an_interval_names_one_unit(value: float, down: float, up: float) -> None:
    text = fmt.interval(value, value * down, value * up, fmt.seconds)
    assert sum(text.count(f" {unit}") for unit in ("us", "ms", "s")) == 1
    assert text.endswith("]")
