import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.budget.budget import Budget, parse_limits
from edgekit.budget.keys import KEYS
from edgekit_targets.errors import InputError
from edgekit_targets.types.verdict import Limit

NEVER_ABOVE = [("p50", "p99"), ("memory", "process_memory")]


@st.composite
def budgets(draw: st.DrawFn) -> Budget:
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, unique_by=lambda key: key.name))
    values = {key.name: draw(st.floats(1e-6, 1.0 if key.dimension == "share" else 1e9)) for key in keys}
    for lower, upper in NEVER_ABOVE:
        if lower in values and upper in values:
            values[lower], values[upper] = sorted((values[lower], values[upper]))
    limits = [Limit(name=key.name, value=values[key.name], upper=key.upper) for key in keys]
    return Budget(name="drawn", limits=tuple(limits))


def consistent(budget: Budget) -> bool:
    values = {limit.name: limit.value for limit in budget.limits}
    pairs = (("p50", "p99"), ("memory", "process_memory"))
    return all(values.get(part, 0.0) <= values.get(whole, 1e12) for part, whole in pairs)


@given(budgets().filter(consistent))
def test_parsing_gives_back_what_was_written(budget: Budget) -> None:
    assert parse_limits(str(budget), "--budget") == budget.limits


def test_each_key_knows_its_direction() -> None:
    assert parse_limits("p99=20ms, accuracy=0.9", "--budget") == parse_limits("p99<=20ms,accuracy>=90%", "--budget")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p98=20ms", "did you mean p99"),
        ("speed=20ms", "unknown limit 'speed'"),
        ("p99=20", "p99: '20' has no unit"),
        ("p99=20MiB", "unit 'MiB'"),
        ("p99=-1ms", "negative"),
        ("p99>=20ms", "upper limit"),
        ("accuracy<=0.9", "lower limit"),
        ("p99=20ms, p99=30ms", "more than once"),
        ("p99<=20ms, p99>=30ms", "upper limit"),
        ("p99=20ms,", "'' is no limit"),
        ("=", "is no limit"),
        ("p99==20ms", "not a number"),
        ("p99<20ms", "is no limit"),
        ("p50=30ms, p99=20ms", "p50<=30ms contradicts p99<=20ms"),
        ("process_memory=10MiB, memory=11MiB", "memory<=11MiB contradicts process_memory<=10MiB"),
    ],
)
def test_refuses_in_one_line_that_names_the_option(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_limits(text, "--budget")
    assert str(caught.value).startswith("--budget")
    assert "\n" not in str(caught.value)


@given(st.sampled_from(NEVER_ABOVE), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.booleans())
def test_a_limit_that_another_makes_pointless_contradicts_it(
    pair: tuple[str, str], first: float, second: float, turned: bool
) -> None:
    unit = "s" if pair[0] == "p50" else "kB"
    written = [f"{name}={value!r}{unit}" for name, value in zip(pair, (first, second), strict=True)]
    text = ", ".join(reversed(written) if turned else written)
    if first <= second:
        assert len(parse_limits(text, "--budget")) == 2
    else:
        with pytest.raises(InputError, match=f"{pair[0]}<=.* contradicts {pair[1]}<="):
            parse_limits(text, "--budget")


@given(st.text(max_size=40))
def test_any_text_parses_or_is_refused_as_input(text: str) -> None:
    with contextlib.suppress(InputError):
        assert parse_limits(text, "--budget")
