import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.budget.units import UNITS, Dimension, UnitError, format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("20ms", "time", 0.02),
        ("150 us", "time", 150e-6),
        ("1.5s", "time", 1.5),
        ("64MiB", "bytes", 64 * 2**20),
        ("64 MB", "bytes", 64e6),
        ("8GiB", "bytes", 2**33),
        ("1.5GB", "bytes", 1.5e9),
        ("0.9", "share", 0.9),
        ("90%", "share", 0.9),
        (".5", "share", 0.5),
        ("2 mJ", "energy", 0.002),
        ("1e-3s", "time", 0.001),
    ],
)
def test_reads_quantities_into_si(text: str, dimension: Dimension, value: float) -> None:
    assert parse_quantity(text, dimension) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "dimension", "reason"),
    [
        ("20", "time", "no unit"),
        ("20MiB", "time", "unit 'MiB'"),
        ("20msec", "time", "unit 'msec'"),
        ("-20ms", "time", "negative"),
        ("0ms", "time", "positive"),
        ("90", "share", "more than 100 %"),
        ("101%", "share", "more than 100 %"),
        ("ms", "time", "not a number"),
        ("", "time", "not a number"),
        ("nan", "share", "not a number"),
        ("1e999s", "time", "finite"),
        ("64mib", "bytes", "unit 'mib'"),
    ],
)
def test_refuses_what_is_no_quantity(text: str, dimension: Dimension, reason: str) -> None:
    with pytest.raises(UnitError, match=reason):
        parse_quantity(text, dimension)


@given(st.sampled_from(sorted(UNITS)), st.floats(1e-9, 1e12))
def test_what_is_written_reads_back_exactly(dimension: Dimension, value: float) -> None:
    if dimension == "share":
        value = min(value, 1.0)
    assert parse_quantity(format_quantity(value, dimension), dimension) == value


@given(st.text(max_size=12), st.sampled_from(sorted(UNITS)))
def test_any_text_is_a_positive_quantity_or_refused(text: str, dimension: Dimension) -> None:
    with contextlib.suppress(UnitError):
        assert parse_quantity(text, dimension) > 0
