"""What broken transfers left is taken away by the next installation."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit_targets.errors import CheckFailed
from edgekit_targets.releases.incoming import INCOMING, OLD_SECONDS
from edgekit_targets.releases.install import install
from tests.targets.releases.bench import small_release, small_steps, store_at


def aged(folder: Path, seconds: float) -> Path:
    """Everything in it was left alone so long."""
    for path in (folder, *folder.rglob("*")):
        now = path.lstat().st_mtime
        os.utime(path, (now - seconds, now - seconds), follow_symlinks=False)
    return folder


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    return tmp_path / "device" / INCOMING


def test_what_was_left_alone_for_an_hour_goes(tmp_path: Path, incoming: Path) -> None:
    aged(small_release(incoming / "1-old", 1), 2 * OLD_SECONDS)
    small_release(incoming / "1-young", 1)
    aged(small_release(incoming / "1-at-work", 1), 2 * OLD_SECONDS)
    (incoming / "1-at-work" / "evidence" / "model.onnx.7.part").write_bytes(b"half of it")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").touch()
    (incoming / "link").symlink_to(tmp_path / "elsewhere")
    aged(incoming / "link", 2 * OLD_SECONDS)
    source = aged(small_release(incoming / "2-source", 2), 2 * OLD_SECONDS)
    install(source, store_at(tmp_path / "device"), small_steps())
    assert {path.name for path in incoming.iterdir()} == {"1-young", "1-at-work", "2-source"}
    assert (tmp_path / "elsewhere" / "kept").exists()


def test_a_source_named_in_another_way_is_kept(tmp_path: Path, incoming: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aged(small_release(incoming / "2-source", 2), 2 * OLD_SECONDS)
    monkeypatch.chdir(incoming)
    install(Path("../incoming/2-source"), store_at(tmp_path / "device"), small_steps())
    assert (incoming / "2-source").is_dir()


@pytest.mark.parametrize("spoil", [lambda folder: (folder / "model.onnx").write_text("other"), shutil.rmtree])
def test_a_release_that_is_refused_changes_nothing_there(
    tmp_path: Path, incoming: Path, spoil: Callable[[Path], object]
) -> None:
    aged(small_release(incoming / "1-old", 1), 2 * OLD_SECONDS)
    source = small_release(tmp_path / "source", 2)
    spoil(source)
    with pytest.raises(CheckFailed):
        install(source, store_at(tmp_path / "device"), small_steps())
    assert (incoming / "1-old").is_dir()
