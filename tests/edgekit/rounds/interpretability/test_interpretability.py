"""The round of interpretability, tiny and for real."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.rounds.contract import Round
from edgekit.rounds.interpretability import round as interpretability
from edgekit.rounds.interpretability.faithful import FOLDER
from edgekit_targets.errors import InputError
from edgekit_targets.records import parse, to_json


def tiny(make_context: Any, out: Path, **changes: Any) -> Any:
    context = make_context(out)
    effort = dataclasses.replace(context.effort, sizes=context.effort.sizes[-1:], **changes)
    return dataclasses.replace(context, effort=effort)


@pytest.mark.slow
def test_the_round_is_played_and_goes_on_from_what_is_there(make_context: Any, tmp_path: Path) -> None:
    changes = {"explained": ("text:remarks",), "explained_samples": 12}
    context = tiny(make_context, tmp_path, **changes)
    found = interpretability.play(context)
    assert parse(Round, to_json(found), "round") == found
    scored = [one for one in found.evidence if one.what.startswith("text:remarks: ") and one.family is not None]
    assert {(one.family, one.what.removeprefix("text:remarks: ")) for one in scored} == {
        ("lstm", "occlusion"),
        *(("transformer", method) for method in interpretability_methods()),
        ("transformer", "attention minus occlusion"),
    }
    deciding = found.deciding
    assert deciding is not None
    if deciding.value is not None:
        assert deciding.low is not None
        assert deciding.high is not None
        assert deciding.low <= deciding.value <= deciding.high
        expected = "lstm" if deciding.low > 0 else "transformer" if deciding.high < 0 else None
        assert (found.winner, found.tie) == (expected, expected is None)
        aspect = found.aspects[0]
        assert aspect.lstm.value is not None
        assert aspect.transformer.value is not None
        assert aspect.lstm.value - aspect.transformer.value == pytest.approx(deciding.value)
    assert len(found.tables[0].rows) == 4
    assert all(len(curve.x) == 9 for plot in found.plots for curve in plot.curves)
    # Nothing is done again, and what is damaged is named.
    kept = sorted((tmp_path / FOLDER).iterdir())
    assert len(kept) == 2 * 3
    times = [path.stat().st_mtime_ns for path in kept]
    assert interpretability.play(tiny(make_context, tmp_path, **changes)) == found
    assert [path.stat().st_mtime_ns for path in kept] == times
    with np.load(kept[0], allow_pickle=False) as arrays:
        assert {name.split(".")[0] for name in arrays.files} == {"validation", "test"}
    kept[0].write_bytes(kept[0].read_bytes()[:100])
    with pytest.raises(InputError, match="is damaged; remove it"):
        interpretability.play(tiny(make_context, tmp_path, **changes))


def interpretability_methods() -> set[str]:
    from edgekit.explaining.contract import METHODS

    return set(METHODS.values())


def test_without_a_set_nothing_is_said(make_context: Any, tmp_path: Path) -> None:
    found = interpretability.play(tiny(make_context, tmp_path))
    assert (found.winner, found.tie, found.holds) == (None, False, None)
    assert "No data set" in found.sentence
