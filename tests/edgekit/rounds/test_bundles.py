"""Bundles exported several at a time are those that one process makes, and none is made twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgekit.rounds.bundles import Wanted, bundles
from edgekit.rounds.trainers import Trainers
from edgekit_targets.bundle import read_manifest

SETTINGS = {"lstm.hidden": "4", "lstm.layers": "1"}


@pytest.mark.slow
def test_two_at_a_time_or_one_after_the_other_makes_the_same_bytes(
    make_context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    wanted = [Wanted(name=f"seed-{seed}", models=("lstm",), settings=SETTINGS, seed=seed) for seed in (0, 1)]
    alone = bundles(make_context(tmp_path / "alone"), wanted, "export")
    told: list[tuple[str, float, float]] = []
    with Trainers(2) as trainers:
        context = make_context(tmp_path / "both", trainers=trainers, progress=lambda *given: told.append(given))
        both = bundles(context, wanted, "export")
        assert bundles(context, wanted, "export") == both
    assert told == [("export", 0, 2), ("export", 1, 2), ("export", 2, 2), ("export", 2, 2)]
    hashes = [[read_manifest(folder).artifacts[0].sha256 for folder in folders] for folders in (alone, both)]
    assert hashes[0] == hashes[1]
    assert hashes[0][0] != hashes[0][1], "another seed, other weights"
