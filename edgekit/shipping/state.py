"""What became of each device of each rollout, in SQLite: the next process knows where one that died had got to.

Every step is one transaction that is on the disk before the device is asked for anything, so what is recorded is never
behind what may have happened: a device that is ``waiting`` has not been asked to switch.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

from edgekit.documents import now
from edgekit_targets.errors import EdgekitError, InputError
from edgekit_targets.records import dumps, loads, parse
from edgekit_targets.releases.times import PROBE_SECONDS

Status = Literal["running", "returning", "done", "failed"]
"""``running``: devices still wait for it. ``returning``: a device failed, and those of its wave are to go back."""
Stage = Literal["waiting", "switching", "done", "refused", "returning", "returned", "kept"]
"""Of one device. ``switching``: it was asked to, and may have. ``done``: it confirmed. ``refused``: it has what it had
before. ``returning``: it is to go back, and has not said that it did. ``returned``: it went back.
``kept``: it was to, and had nothing before."""
_VERSION = 1
_BUSY_SECONDS = 30.0
_TABLES = f"""
CREATE TABLE IF NOT EXISTS rollouts (
    number INTEGER PRIMARY KEY, release TEXT NOT NULL, folder TEXT NOT NULL, question TEXT NOT NULL,
    created TEXT NOT NULL, status TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS deliveries (
    rollout INTEGER NOT NULL REFERENCES rollouts (number), position INTEGER NOT NULL, device TEXT NOT NULL,
    wave INTEGER NOT NULL, stage TEXT NOT NULL, told TEXT, code INTEGER NOT NULL, changed TEXT NOT NULL,
    PRIMARY KEY (rollout, device)
) STRICT;
PRAGMA user_version = {_VERSION};
"""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a user asked for: the same asked again goes on with what is unfinished, anything else is a new rollout."""

    bundle: str
    artifact: str | None
    """As it was asked for: null for the pick."""
    model: str
    """The name under which the devices keep it."""
    waves: tuple[tuple[str, ...], ...]
    probe: str | None
    confirm_seconds: float
    force: bool
    others: dict[str, str]
    """What else makes a release another one, as it was written."""
    probe_seconds: float = PROBE_SECONDS
    """How long the probe may take."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One device of a rollout; ``told`` and ``code`` are the line and the exit code of what went wrong first."""

    device: str
    wave: int
    stage: Stage
    told: str | None = None
    code: int = 0


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """A release on its way to devices; ``folder`` is where the signed release lies here."""

    number: int
    release: str
    folder: str
    question: Question
    created: str
    status: Status
    deliveries: tuple[Delivery, ...]


class State:
    """The file; a context manager. Threads may share one, processes may share the file."""

    def __init__(self, path: Path) -> None:
        """Remember where it lies."""
        self._path = path
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        """Open it, and make it where it is missing.

        Raises:
            InputError: it cannot be written, is no such file, or is a newer edgekit's.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, check_same_thread=False)
            self._file.execute("PRAGMA synchronous = FULL")
            (version,) = self._file.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise InputError(f"{self._path} was written by a newer edgekit; upgrade edgekit-onnx")
            self._file.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            self._close()
            raise InputError(f"{self._path}, where edgekit keeps its rollouts, cannot be used: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._close()

    def begin(self, question: Question, release: str, folder: Path) -> Rollout:
        """A new rollout, in which every device waits."""
        created = now()
        with self._writing() as file:
            made = file.execute(
                "INSERT INTO rollouts (release, folder, question, created, status) VALUES (?, ?, ?, ?, 'running')",
                (release, str(folder), dumps(question), created),
            )
            number = made.lastrowid
            assert number is not None
            places = [(wave, device) for wave, devices in enumerate(question.waves) for device in devices]
            file.executemany(
                "INSERT INTO deliveries VALUES (?, ?, ?, ?, 'waiting', NULL, 0, ?)",
                [(number, position, device, wave, created) for position, (wave, device) in enumerate(places)],
            )
        return self.read(number)

    def read(self, number: int) -> Rollout:
        """One rollout as it stands."""
        (found,) = self._select("WHERE number = ?", number)
        return found

    def unfinished(self) -> Sequence[Rollout]:
        """Those that a process began and did not bring to an end, the newest first."""
        return self._select("WHERE status IN ('running', 'returning') ORDER BY number DESC")

    def mark(self, number: int, device: str, stage: Stage, error: EdgekitError | None = None) -> None:
        """Record how far a device is, before it is asked for the next step; what went wrong first is kept."""
        told, code = (None, 0) if error is None else (str(error), error.exit_code)
        with self._writing() as file:
            file.execute(
                "UPDATE deliveries SET stage = ?, told = coalesce(told, ?), code = max(?, code), changed = ? "
                "WHERE rollout = ? AND device = ?",
                (stage, told, code, now(), number, device),
            )

    def end(self, number: int, status: Status) -> None:
        """Record where a rollout stands as a whole."""
        with self._writing() as file:
            file.execute("UPDATE rollouts SET status = ? WHERE number = ?", (status, number))

    @contextlib.contextmanager
    def hold(self, number: int) -> Iterator[None]:
        """Nobody else works on this rollout meanwhile; the kernel lets go of it however this process ends.

        Raises:
            InputError: another process works on it.
        """
        import fcntl

        with self._path.with_suffix(".lock").open("ab") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
            except OSError as error:
                raise InputError(f"another edgekit is at work on rollout {number}; wait for it or end it") from error
            yield

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction.

        Raises:
            InputError: the disk is full, or cannot be written.
        """
        with self._lock:
            assert self._file is not None
            try:
                with self._file:
                    yield self._file
            except sqlite3.OperationalError as error:
                raise InputError(
                    f"{self._path}, where edgekit keeps its rollouts, cannot be written: {error}"
                ) from error

    def _select(self, which: str, *values: object) -> list[Rollout]:
        with self._lock:
            assert self._file is not None
            try:
                rows = self._file.execute(
                    f"SELECT number, release, folder, question, created, status FROM rollouts {which}",  # noqa: S608
                    values,
                ).fetchall()
                return [self._rollout(self._file, *row) for row in rows]
            except sqlite3.Error as error:
                raise InputError(f"{self._path}, where edgekit keeps its rollouts, cannot be read: {error}") from error

    def _rollout(self, file: sqlite3.Connection, number: int, *values: str) -> Rollout:
        release, folder, question, created, status = values
        deliveries = [
            Delivery(device=device, wave=wave, stage=_one_of(Stage, stage), told=told, code=code)
            for device, wave, stage, told, code in file.execute(
                "SELECT device, wave, stage, told, code FROM deliveries WHERE rollout = ? ORDER BY position", (number,)
            )
        ]
        where = f"{self._path}: rollout {number}"
        return Rollout(
            number=number,
            release=release,
            folder=folder,
            question=parse(Question, loads(question, where), where),
            created=created,
            status=_one_of(Status, status),
            deliveries=tuple(deliveries),
        )

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def state_file() -> Path:
    """Where the rollouts of this user are kept."""
    from platformdirs import user_state_path

    return user_state_path("edgekit") / "rollouts.sqlite"


def _one_of(words: Any, word: str) -> Any:
    if word not in get_args(words):
        raise InputError(f"the rollouts of this user hold {word!r}, which this edgekit does not know; upgrade it")
    return word
