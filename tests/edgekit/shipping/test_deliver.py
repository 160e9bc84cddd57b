"""A rollout is gone on with only as it began; what it does with devices is in test_loopback.py."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.shipping.deliver import begin, deliver, unfinished
from edgekit.shipping.state import Question, State
from edgekit_targets.errors import InputError
from edgekit_targets.progress import silent
from edgekit_targets.releases.format import MANIFEST, Release, parse_release
from tests.edgekit.shipping.conftest import id_of

QUESTION = Question(
    bundle="b",
    artifact=None,
    model="model",
    waves=(("nowhere",),),
    probe=None,
    confirm_seconds=60.0,
    force=False,
    others={},
)


def test_the_release_that_was_kept_must_be_the_one_that_it_began_with(
    make_release: Callable[..., Path], tmp_path: Path
) -> None:
    first, other = make_release(1), make_release(2)

    def compose(out: Path) -> Release:
        shutil.copytree(first, out)
        return parse_release((out / MANIFEST).read_bytes(), "a release")

    with State(tmp_path / "rollouts.sqlite") as state:
        rollout = begin(state, QUESTION, tmp_path, compose)
        assert rollout.release == id_of(first)
        shutil.rmtree(rollout.folder)
        shutil.copytree(other, rollout.folder)
        found = unfinished(state, QUESTION)
        assert found is not None
        with pytest.raises(InputError, match=rf"no longer holds release {rollout.release}.* --fresh$"):
            deliver(state, found, {}, silent)
        assert [one.stage for one in state.read(rollout.number).deliveries] == ["waiting"]
