import contextlib
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit_targets.errors import InputError
from edgekit_targets.records import dumps
from edgekit_targets.releases.format import (
    MANIFEST,
    Release,
    architectures_of,
    check_name,
    is_copy,
    parse_release,
    release_id,
)


@pytest.fixture(scope="module")
def document(make_release: Callable[..., Path]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((make_release() / MANIFEST).read_text())
    return found


def parsed(document: object) -> Release:
    return parse_release(json.dumps(document).encode(), "release.json")


def test_what_was_written_comes_back(document: dict[str, Any]) -> None:
    release = parsed(document)
    assert parse_release(dumps(release).encode(), "release.json") == release
    assert parsed(document | {"of_a_later_version": [1]}) == release


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Release) if field.name != "forced"])
def test_a_missing_field_is_named(document: dict[str, Any], name: str) -> None:
    del (less := dict(document))[name]
    with pytest.raises(InputError, match=rf"^release\.json.*{name}"):
        parsed(less)


def test_a_later_version_says_upgrade(document: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="upgrade edgekit-onnx"):
        parsed(document | {"schema_version": 2})


def inside(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *above, last = path.split(".")
        one: Any = document
        for part in above:
            one = one[int(part)] if part.isdecimal() else one[part]
        one[last] = value

    return change


STATE = {"input": "x", "output": "y", "shape": [1], "dtype": "float32", "initial": 0.0}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("counter", 0, "counter"),
        ("counter", 1 << 53, "counter"),
        ("counter", 1.5, "counter"),
        ("counter", True, "counter"),
        ("name", "../up", "name"),
        ("name", "a..b", "name"),
        ("name", "", "name"),
        ("name", ".hidden", "name"),
        ("name", "a/b", "name"),
        ("name", "x" * 64, "name"),
        ("sha256", "0" * 63, "sha256"),
        ("sha256", "G" * 64, "sha256"),
        ("size_bytes", 0, "size_bytes"),
        ("size_bytes", 1 << 40, "size_bytes"),
        ("inputs.0.name", "", "named"),
        ("inputs.0.shape", [-1, 6], "dimension"),
        ("inputs.0.shape", ["", 6], "dimension"),
        ("outputs", [], "named"),
        ("states", [STATE | {"output": "z"}], "states name"),
        ("states", [STATE, STATE], "states name"),
        ("session.shapes", {}, "session.shapes"),
        ("session.shapes", {"x": [1, 6], "other": [1]}, "session.shapes"),
        ("session.shapes", {"x": [0, 6]}, "session.shapes"),
        ("session.batch", 0, "session.batch"),
        ("session.options.threads", 0, "threads"),
        ("every_seconds", 0.0, "every_seconds"),
        ("every_seconds", -1.0, "every_seconds"),
        ("limits.p99_seconds", -0.1, "p99_seconds"),
        ("limits.memory_bytes", 0, "memory_bytes"),
        ("golden.tolerance", 0.0, "tolerance"),
        ("golden.mode", "stream", "golden.mode"),
        ("mode", "batch", "mode"),
        ("architectures", [], "architectures"),
        ("architectures", [""], "architectures"),
        ("min_onnxruntime", "newest", "min_onnxruntime"),
        ("min_onnxruntime", "1.16; rm", "min_onnxruntime"),
        ("normalisation", "elsewhere", "normalisation"),
    ],
)
def test_what_cannot_be_is_refused_by_name(document: dict[str, Any], path: str, value: object, words: str) -> None:
    spoiled = json.loads(json.dumps(document))
    inside(path, value)(spoiled)
    with pytest.raises(InputError, match=rf"^release\.json.*{words}"):
        parsed(spoiled)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)


@settings(max_examples=200)
@given(name=st.sampled_from([field.name for field in dataclasses.fields(Release)]), value=ANYTHING)
def test_any_value_of_any_field_is_taken_or_refused(document: dict[str, Any], name: str, value: object) -> None:
    with contextlib.suppress(InputError):
        assert parsed(document | {name: value}).schema_version == 1


@settings(max_examples=100)
@given(content=st.binary(max_size=60))
def test_any_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(InputError):
        parse_release(content, "release.json")


@pytest.mark.parametrize("name", ["model", "keyword-v2", "a.b_c-1", "0", "x" * 63])
def test_names(name: str) -> None:
    assert check_name(name, "--name") == name


def test_the_folder_of_a_release_has_its_counter_and_what_is_signed() -> None:
    one = release_id(7, {"a": "0" * 64, "b": "1" * 64})
    assert one.startswith("7-")
    assert len(one) == len("7-") + 12
    assert release_id(7, {"b": "1" * 64, "a": "0" * 64}) == one
    assert one not in {release_id(7, {"a": "1" * 64, "b": "0" * 64}), release_id(7, {"a": "0" * 64})}
    assert [is_copy(name, one) for name in (one, f"{one}-2", f"{one}2", f"8{one}", f"{one}-")] == [True] * 2 + [
        False
    ] * 3


def test_an_instruction_set_ties_a_release_to_an_architecture() -> None:
    assert architectures_of("portable") == ("any",)
    assert architectures_of("vnni") == ("x86_64",)
    assert architectures_of("arm-dotprod") == ("aarch64",)
