import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_targets.errors import CheckFailed
from edgekit_targets.signing.statement import make_statement, parse_statement

DIGEST = hashlib.sha256(b"").hexdigest()
PATHS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=12)


@given(digests=st.dictionaries(PATHS, st.binary(max_size=3).map(lambda one: hashlib.sha256(one).hexdigest())))
def test_what_was_signed_comes_back(digests: dict[str, str]) -> None:
    assert parse_statement(make_statement("model", digests, "model.sig"), "model.sig") == digests


def test_it_is_what_the_package_writes() -> None:
    """The subject's digest is over those of the files, in the order of their paths' parts."""
    digests = {"b.txt": DIGEST, "a/z": "1" * 64, "a.b": "2" * 64}
    statement = json.loads(make_statement("m", digests, "model.sig"))
    assert [one["name"] for one in statement["predicate"]["resources"]] == ["a/z", "a.b", "b.txt"]
    rooted = hashlib.sha256(bytes.fromhex("1" * 64 + "2" * 64 + DIGEST)).hexdigest()
    assert statement["subject"] == [{"name": "m", "digest": {"sha256": rooted}}]


def resource(**changes: object) -> Callable[[dict[str, Any]], object]:
    return lambda one: one["predicate"]["resources"][0].update(changes)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda one: one.update(_type="other"), "signs something else"),
        (lambda one: one.update(predicateType="https://model_signing/Digests/v0.1"), "signs something else"),
        (lambda one: one["predicate"]["serialization"].update(method="shards"), "signs pieces of files"),
        (resource(algorithm="blake3"), "by another digest"),
        (resource(digest="00"), "by another digest"),
        (resource(digest=7), "holds no statement"),
        (resource(name="b"), "names 'b' twice"),
        (resource(name=["a"]), "holds no statement"),
        (resource(digest="3" * 64), "contradicts itself"),
        (lambda one: one["subject"].append(one["subject"][0]), "holds no statement"),
        (lambda one: one.pop("predicate"), "holds no statement"),
        (lambda one: one.update(predicate=[]), "holds no statement"),
        (lambda one: one["predicate"].update(resources=None), "holds no statement"),
    ],
)
def test_other_statements_are_refused(spoil: Callable[[dict[str, Any]], object], words: str) -> None:
    statement = json.loads(make_statement("m", {"a": DIGEST, "b": DIGEST}, "model.sig"))
    spoil(statement)
    with pytest.raises(CheckFailed, match=rf"^model\.sig .*{words}"):
        parse_statement(json.dumps(statement).encode(), "model.sig")


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[]", b"7", b'"text"'])
def test_no_statement_at_all(payload: bytes) -> None:
    with pytest.raises(CheckFailed, match="holds no statement"):
        parse_statement(payload, "model.sig")
