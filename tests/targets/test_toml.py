from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit_targets.errors import InputError
from edgekit_targets.toml import check_keys, nearest, parse_table, parse_toml, read_toml


@dataclass(frozen=True, kw_only=True)
class Leaf:
    value: int
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tree:
    leaves: tuple[Leaf, ...] = ()
    named: dict[str, Leaf] | None = None
    best: Leaf | None = None


def test_reads_what_is_known() -> None:
    text = '[[leaves]]\nvalue = 1\n[named.a]\nvalue = 2\nnote = "n"\n[best]\nvalue = 3\n'
    found = parse_table(Tree, parse_toml(text, "f"), "f")
    assert found == Tree(leaves=(Leaf(value=1),), named={"a": Leaf(value=2, note="n")}, best=Leaf(value=3))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("leafs = []", ["'leafs' is unknown", "did you mean leaves"]),
        ("[[leaves]]\nvalue = 1\nvalues = 2", ["leaves[0]", "'values'", "did you mean value"]),
        ("[named.a]\nvalue = 1\nnot = 2", ["named.a", "'not'", "note"]),
        ("[best]\nvalue = 1\nx = 2", ["best", "'x'", "known are value, note"]),
        ("[best]\nvalue = 1.5", ["best", "value", "int"]),
        ("[best]", ["value is missing"]),
        ("best = 3", ["best", "object"]),
    ],
)
def test_refuses_and_names_what_is_not(text: str, words: list[str]) -> None:
    with pytest.raises(InputError) as error:
        parse_table(Tree, parse_toml(text, "my.toml"), "my.toml")
    for word in ["my.toml", *words]:
        assert word in str(error.value)


@given(st.text(min_size=1), st.lists(st.text(min_size=1), max_size=5))
def test_only_known_keys_pass(key: str, known: list[str]) -> None:
    if key in known:
        check_keys({key: 1}, known, "f")
    else:
        with pytest.raises(InputError, match="is unknown"):
            check_keys({key: 1}, known, "f")


def test_the_nearest_are_offered_else_all() -> None:
    assert nearest("accurcy", ["accuracy", "size"]) == "did you mean accuracy?"
    assert nearest("zzz", ["accuracy", "size"]) == "known are accuracy, size"
    assert nearest("a", []) == "none are known"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe", "UTF-8"), (b"a =", "not valid TOML"), (b"#" * (1 << 21), "1 MiB"), (b"a=" + b"[" * 100_000, "TOML")],
)
def test_files_that_are_none(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_toml(path, str(path))
    with pytest.raises(InputError, match="cannot be read"):
        read_toml(tmp_path / "none.toml", "none.toml")
