import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.commands import options
from edgekit_targets.errors import InputError

KEYS = st.text(st.characters(categories=["L", "N"], include_characters="._"), min_size=1, max_size=10)
VALUES = st.text(st.characters(categories=["L", "N", "P"], exclude_characters=","), min_size=1, max_size=10)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_pairs_come_back_as_written(values: dict[str, str]) -> None:
    assert options.pairs([f" {key} = {value}" for key, value in values.items()], "--set") == values


@pytest.mark.parametrize("entry", ["hidden", "=3", "hidden=", "", "=", " = "])
def test_what_is_no_pair_is_refused(entry: str) -> None:
    with pytest.raises(InputError, match=r"--set .* is not of the form KEY=VALUE"):
        options.pairs([entry], "--set")


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="--set gives 'hidden' more than once"):
        options.pairs(["hidden=1", "hidden=2"], "--set")


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=5))
def test_shapes_come_back_as_written(shape: list[int]) -> None:
    assert options.shapes(["x=" + "x".join(map(str, shape))]) == {"x": tuple(shape)}


@pytest.mark.parametrize("entry", ["x=", "x=1x", "x=1x0", "x=1,2", "x=-1", "x=1x2000000", "x"])
def test_what_is_no_shape_is_refused(entry: str) -> None:
    with pytest.raises(InputError, match="--shape"):
        options.shapes([entry])


def test_whole_numbers_come_once_each_and_in_order() -> None:
    assert options.whole_numbers("4, 1,4", "--threads") == [4, 1]
    for text in ("0", "-1", "two", "1.5", "\u0662x"):
        with pytest.raises(InputError, match="--threads"):
            options.whole_numbers(text, "--threads")


@given(st.floats(0, 1, exclude_min=True, allow_subnormal=False))
def test_a_share_is_a_number_or_a_percentage(value: float) -> None:
    assert options.share(f"{value!r}", "--accuracy-drop") == value
    assert options.share(f" {value!r} %", "--accuracy-drop") == pytest.approx(value / 100)


@pytest.mark.parametrize("text", ["", "much", "0", "-1%", "101%", "1.5", "1ms", "nan", "inf", "1e999"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^--accuracy-drop .*write e\.g\. --accuracy-drop 1%$"):
        options.share(text, "--accuracy-drop")


def test_modes_and_precisions_are_known_words() -> None:
    assert options.modes("window,window") == ("window",)
    assert options.precisions("int8-dynamic, fp32", ()) == ("int8-dynamic", "fp32")
    assert options.precisions(None, ("fp32",)) == ("fp32",)
    with pytest.raises(InputError, match="--mode"):
        options.modes("sideways")
    with pytest.raises(InputError, match="--precision"):
        options.precisions("int7", ())
