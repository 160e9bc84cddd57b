from __future__ import annotations

import contextlib
import dataclasses
import inspect
import json
import types
import typing
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_targets.agent import protocol
from edgekit_targets.errors import InputError
from edgekit_targets.records import dumps, load_file, loads, parse, to_json
from edgekit_targets.types import manifest, profile, target, verdict

KINDS = [
    kind
    for module in (manifest, profile, target, verdict, protocol)
    for kind in vars(module).values()
    if inspect.isclass(kind) and dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__
]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Anything that a field of that type may hold."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return JSON
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return st.builds(
            cast(type[Any], hint), **{field.name: values(hints[field.name]) for field in dataclasses.fields(hint)}
        )
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values(option) for option in arguments])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*[values(argument) for argument in arguments])
    if origin is dict:
        return st.dictionaries(st.text(), values(arguments[1]), max_size=2)
    simple = {
        int: st.integers(),
        str: st.text(),
        bool: st.booleans(),
        float: st.floats(allow_nan=False, allow_infinity=False),
        types.NoneType: st.none(),
    }
    return simple[hint]


def test_every_kind_is_tried() -> None:
    assert {"Manifest", "Profile", "Verdict", "TargetStatus", "Open", "Ran"} <= {kind.__name__ for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_written_is_read_back(kind: type[Any]) -> None:
    @given(values(kind))
    def check(record: Any) -> None:
        assert parse(kind, loads(dumps(record), "it"), "it") == record

    check()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_anything_else_is_refused_or_read_but_never_breaks(kind: type[Any]) -> None:
    names = [field.name for field in dataclasses.fields(kind)]

    @given(JSON | st.dictionaries(st.sampled_from(names), JSON))
    def check(data: Any) -> None:
        with contextlib.suppress(InputError):
            assert isinstance(parse(kind, data, "it"), kind)

    check()


def test_the_message_names_the_field() -> None:
    good = to_json(manifest.Quantized(quantized=1, total=2))
    for change, message in [
        ({"total": "2"}, "it: total must be int, not str"),
        ({"total": 2.5}, "it: total must be int, not float"),
        ({"total": True}, "it: total must be int, not bool"),
        ({"total": None}, "it: total must be int, not null"),
    ]:
        with pytest.raises(InputError, match=message):
            parse(manifest.Quantized, good | change, "it")
    with pytest.raises(InputError, match="it: total is missing"):
        parse(manifest.Quantized, {"quantized": 1}, "it")


def test_unknown_keys_are_left_alone_and_defaults_are_filled() -> None:
    data = to_json(protocol.Hello()) | {"from_the_future": 1}
    assert parse(protocol.Hello, data, "it") == protocol.Hello()
    assert parse(protocol.Hello, {}, "it") == protocol.Hello()


def test_an_integer_is_a_number_but_a_huge_one_is_not() -> None:
    run = {"handle": "a", "samples": 1, "max_seconds": 2, "warmup_seconds": 0}
    found = parse(protocol.Run, run, "it")
    assert type(found.max_seconds) is float
    with pytest.raises(InputError, match="it: max_seconds is too large"):
        parse(protocol.Run, run | {"max_seconds": 10**400}, "it")


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "NaN", "[Infinity]", "-Infinity", "1e999", "9" * 5000, "[" * 200_000]
)
def test_strict_json(text: str) -> None:
    with pytest.raises(InputError, match="it is not valid JSON"):
        loads(text, "it")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_refuses_to_write_what_json_cannot_say(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        dumps({"a": value})


def test_floats_stay_unrounded() -> None:
    assert json.loads(dumps({"a": (0.1 + 0.2,)})) == {"a": [0.1 + 0.2]}


def test_reading_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(InputError, match=r"cannot read .*No such file"):
        load_file(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        load_file(path)
    path.write_text('{"a": 1}')
    assert load_file(path) == {"a": 1}
    monkeypatch.setattr("edgekit_targets.records.MAX_JSON_BYTES", 4)
    with pytest.raises(InputError, match="larger than"):
        load_file(path)
    with pytest.raises(InputError, match=r"Is a directory|larger"):
        load_file(tmp_path)
