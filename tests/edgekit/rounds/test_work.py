"""The journal: a piece is done once, a torn line costs that line, anything else that is wrong is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from edgekit.rounds.folder import check_out
from edgekit.rounds.play import CARD
from edgekit.rounds.work import FILE, Work
from edgekit_targets.errors import InputError


@dataclass(frozen=True)
class Piece:
    """What is kept."""

    number: float


class Worker:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Piece:
        self.asked += 1
        return Piece(float(self.asked))


def test_a_piece_is_done_once_in_this_run_and_in_the_next(tmp_path: Path) -> None:
    worker = Worker()
    work = Work(tmp_path)
    assert work.once({"a": 1, "b": [2]}, Piece, worker) == Piece(1.0)
    assert work.once({"b": [2], "a": 1}, Piece, worker) == Piece(1.0), "keys have no order"
    assert Work(tmp_path).once({"a": 1, "b": [2]}, Piece, worker) == Piece(1.0)
    assert work.once({"a": 2}, Piece, worker) == Piece(2.0)
    assert worker.asked == 2


def test_a_line_that_was_cut_off_is_done_again_and_the_rest_is_kept(tmp_path: Path) -> None:
    work = Work(tmp_path)
    work.once({"a": 1}, Piece, Worker())
    work.once({"a": 2}, Piece, Worker())
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-9])
    worker, again = Worker(), Work(tmp_path)
    assert again.once({"a": 1}, Piece, worker) == Piece(1.0)
    assert worker.asked == 0
    again.once({"a": 2}, Piece, worker)
    assert worker.asked == 1
    assert Work(tmp_path).once({"a": 2}, Piece, worker) == Piece(1.0)
    assert worker.asked == 1


@pytest.mark.parametrize(
    "content",
    [
        b'{"schema_version": 99}\n',
        b'{"schema_version": 1}\n{"key": 3, "value": {}}\n',
        b'{"schema_version": 1}\n[]\n',
        b"what\n",
        b"\xff\xfe\n",
    ],
)
def test_a_damaged_journal_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match=FILE):
        Work(tmp_path)


def test_a_value_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"schema_version": 1}\n{"key": "{\\"a\\": 1}", "value": {"number": "x"}}\n')
    with pytest.raises(InputError, match="number"):
        Work(tmp_path).once({"a": 1}, Piece, Worker())


def test_a_folder_is_new_begun_or_finished(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert not check_out(out, force=False)
    out.mkdir()
    assert not check_out(out, force=False), "an empty folder is as good as none"
    Work(out).once({"a": 1}, Piece, Worker())
    assert check_out(out, force=False)
    (out / CARD).write_text("{}")
    with pytest.raises(InputError, match="--force"):
        check_out(out, force=False)
    assert check_out(out, force=True)


def test_what_something_else_wrote_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    for force in (False, True):
        with pytest.raises(InputError, match="--out"):
            check_out(tmp_path, force=force)
