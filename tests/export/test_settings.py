"""``--set``: values, precedence, refusing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_export import presets
from edgekit_export.families import FAMILIES, find
from edgekit_export.settings import check, resolve
from edgekit_targets.errors import InputError

IOT = presets.find("iot")


def test_a_bare_key_goes_to_every_family_that_has_it() -> None:
    values = {"layers": "1", "epochs": "3", "lstm.hidden": "16"}
    lstm, lstm_recipe = resolve(find("lstm"), IOT, values)
    transformer, transformer_recipe = resolve(find("transformer"), IOT, values)
    assert (lstm["hidden"], lstm["layers"]) == (16, 1)
    assert transformer == {**IOT.settings("transformer"), "layers": 1}
    assert lstm_recipe.epochs == transformer_recipe.epochs == 3


@pytest.mark.parametrize("order", [["hidden=8", "lstm.hidden=16"], ["lstm.hidden=16", "hidden=8"]])
def test_the_named_family_wins_in_any_order(order: list[str]) -> None:
    values = dict(assignment.split("=") for assignment in order)
    assert resolve(find("lstm"), IOT, values)[0]["hidden"] == 16


def test_training_may_differ_by_family() -> None:
    values = {"lstm.epochs": "7", "learning_rate": "1e-3"}
    assert resolve(find("lstm"), IOT, values)[1].epochs == 7
    assert resolve(find("conv"), IOT, values)[1].epochs != 7
    assert resolve(find("lstm"), IOT, values)[1].learning_rate == 1e-3


def test_nothing_set_is_the_preset() -> None:
    for family in FAMILIES:
        assert resolve(family, IOT, {})[0] == IOT.settings(family.name)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("transformer.window", value) for value in ("0", "-1", "1.5", "many", "1e3", "", "0x10", "1_0", "٣", "nan")],
        *[("learning_rate", value) for value in ("0", "-1", "inf", "nan", "fast")],
        *[("dropout", value) for value in ("1.0", "-0.1")],
        ("lstm.hidden", "99999999999999"),
    ],
)
def test_bad_values(key: str, value: str) -> None:
    with pytest.raises(InputError, match=f"^--set {key}={value}: give a.* number from") as caught:
        check(IOT, {key: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "key", ["hiden", "lstm.window", "gru.hidden", "lstm.", ".hidden", "linear.hidden", "a.b.c", "."]
)
def test_unknown_keys_name_the_valid_ones(key: str) -> None:
    with pytest.raises(
        InputError, match=r"^--set .* is unknown with preset iot; valid keys: lstm\.hidden, .*epochs"
    ) as caught:
        check(IOT, {key: "1"})
    assert "\n" not in str(caught.value)


def test_a_window_belongs_to_causal_presets_only() -> None:
    with pytest.raises(InputError, match="--set window is unknown with preset seed"):
        check(presets.find("seed"), {"window": "8"})


@given(st.integers(1, 8192), st.integers(1, 64), st.floats(0.0, 0.9))
def test_what_is_written_is_what_is_read(hidden: int, layers: int, dropout: float) -> None:
    values = {"lstm.hidden": str(hidden), "layers": str(layers), "dropout": repr(dropout)}
    assert resolve(find("lstm"), IOT, values)[0] == {"hidden": hidden, "layers": layers, "dropout": dropout}


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_text_is_taken_or_refused_in_one_sentence(key: str, value: str) -> None:
    try:
        check(IOT, {key: value})
    except InputError as error:
        message = str(error)
    else:
        message = "--set"
    assert message.startswith("--set")


def test_unknown_preset() -> None:
    with pytest.raises(InputError, match="--preset iott does not exist; choose seed, iot, mid, 10m"):
        presets.find("iott")
