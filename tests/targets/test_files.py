from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from edgekit_targets.errors import InputError
from edgekit_targets.files import check_free, sha256_of, staged_folder, write_atomic


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_text_and_bytes_and_makes_the_folder(tmp_path: Path) -> None:
    write_atomic(tmp_path / "new/a.txt", "grüß")
    write_atomic(tmp_path / "new/b.bin", b"\0\1")
    assert (tmp_path / "new/a.txt").read_bytes() == "grüß".encode()
    assert (tmp_path / "new/b.bin").read_bytes() == b"\0\1"
    assert listing(tmp_path / "new") == ["a.txt", "b.bin"]


def test_a_failed_write_leaves_the_old_file_and_no_scraps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot write .*a\.txt: No space left on device"):
        write_atomic(target, "new")
    assert target.read_text() == "old"
    assert listing(tmp_path) == ["a.txt"]


def test_cannot_write_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_atomic(tmp_path / "file/a.txt", "x")


def test_hashes_a_file_larger_than_one_piece(tmp_path: Path) -> None:
    content = bytes(range(256)) * 8192
    (tmp_path / "a").write_bytes(content)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(("name", "reason"), [("none", "No such file"), (".", "Is a directory")])
def test_hashing_what_is_no_file(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        sha256_of(tmp_path / name)


def test_a_staged_folder_appears_only_when_complete(tmp_path: Path) -> None:
    out = tmp_path / "deep/out"
    with staged_folder(out, force=False, marker="m") as stage:
        (stage / "a").write_text("x")
        assert not out.exists()
    assert listing(out) == ["a"]
    assert listing(out.parent) == ["out"]


def test_a_failure_inside_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with staged_folder(tmp_path / "out", force=False, marker="m") as stage:
            (stage / "a").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert listing(tmp_path) == []


def test_a_full_disk_is_the_users_and_another_error_is_ours(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"--out .* No space left"),
        staged_folder(tmp_path / "out", force=False, marker="m"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(FileNotFoundError), staged_folder(tmp_path / "out", force=False, marker="m") as stage:
        (stage / "missing").read_text()
    assert listing(tmp_path) == []


def test_of_two_runs_at_once_the_second_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def make(content: str, meanwhile: str | None = None) -> None:
        with staged_folder(out, force=False, marker="m") as stage:
            (stage / "m").write_text(content)
            if meanwhile is not None:
                make(meanwhile)

    with pytest.raises(InputError, match="exists already"):
        make("slow", meanwhile="quick")
    assert (out / "m").read_text() == "quick"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_force_replaces_only_what_edgekit_wrote(tmp_path: Path) -> None:
    ours, theirs, empty = tmp_path / "ours", tmp_path / "theirs", tmp_path / "empty"
    for folder in (ours, theirs, empty):
        folder.mkdir()
    (ours / "manifest.json").write_text("old")
    (theirs / "thesis.tex").write_text("years of work")
    for out in (ours, empty):
        with pytest.raises(InputError, match="--force"):
            check_free(out, force=False, marker="manifest.json")
        with staged_folder(out, force=True, marker="manifest.json") as stage:
            (stage / "manifest.json").write_text("new")
        assert (out / "manifest.json").read_text() == "new"
    with pytest.raises(InputError, match="edgekit did not write"):
        check_free(theirs, force=True, marker="manifest.json")
    assert listing(tmp_path) == ["empty", "ours", "theirs"]


def test_a_swap_that_fails_brings_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "m").write_text("old")
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if self.suffix == ".tmp":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(InputError, match="Input/output error"), staged_folder(out, force=True, marker="m"):
        pass
    assert (out / "m").read_text() == "old"
    assert listing(tmp_path) == ["out"]


@pytest.mark.parametrize("name", ["file", "file/below", "link", "x" * 300])
@pytest.mark.parametrize("force", [False, True])
def test_places_that_cannot_be_a_folder(tmp_path: Path, name: str, force: bool) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match=r"--out .*; choose"):
        check_free(tmp_path / name, force=force, marker="m")


def test_a_device_is_no_folder() -> None:
    with pytest.raises(InputError, match="choose a folder"):
        check_free(Path("/dev/null"), force=True, marker="m")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="no permission"):
        check_free(tmp_path / "out", force=False, marker="m")
