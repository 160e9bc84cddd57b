from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from edgekit.project.contract import Defaults, Project
from edgekit.project.defaults import fill

VALUES = st.none() | st.text(min_size=1)
HERE = Path("edgekit.toml")


@given(st.builds(Defaults, data=VALUES, preset=VALUES, threads=VALUES), VALUES, VALUES)
def test_what_is_given_goes_before_the_default_and_a_default_is_told(
    defaults: Defaults, data: str | None, preset: str | None
) -> None:
    told: list[str] = []
    chosen = fill(Project(path=HERE, defaults=defaults), told.append, data=data, preset=preset)
    assert chosen == {
        "data": data if data is not None else defaults.data,
        "preset": preset if preset is not None else defaults.preset,
    }
    taken = [name for name, given in (("data", data), ("preset", preset)) if given is None and chosen[name] is not None]
    assert len(told) == bool(taken)
    for name in taken:
        assert f"--{name} {chosen[name]}" in told[0]
        assert told[0].startswith("from edgekit.toml: ")


def test_without_a_file_nothing_is_told() -> None:
    told: list[str] = []
    assert fill(Project(), told.append, data=None, threads="2") == {"data": None, "threads": "2"}
    assert told == []
