"""What a run has done so far, on disk piece by piece, so that an interruption loses only the piece in progress.

``DIR/work.jsonl``: a line that names the version, then one line a piece: what it is a piece of (``key``) and what came
out (``value``). A run in the same folder takes the pieces that are there and does the others. A last line that is cut
off is what a process leaves that was killed while it wrote; it is left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from edgekit_targets.errors import InputError, WriteFailed
from edgekit_targets.records import dumps, loads, parse, to_json

FILE = "work.jsonl"
SCHEMA_VERSION = 1
_MOST_BYTES = 1 << 30
Value = TypeVar("Value")


class Work:
    """The pieces of one folder."""

    def __init__(self, folder: Path) -> None:
        """Read what is there.

        Raises:
            InputError: the file is no journal of this version, or damaged anywhere but at its end.
        """
        self.path = folder / FILE
        self._pieces: dict[str, Any] = {}
        self._started = False
        if self.path.exists():
            self._read()

    def _read(self) -> None:
        remedy = "remove it, or choose another folder with --out"
        try:
            if self.path.stat().st_size > _MOST_BYTES:
                raise InputError(f"{self.path} is larger than 1 GiB; {remedy}")
            content = self.path.read_bytes()
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {error.strerror}; {remedy}") from error
        lines = content.split(b"\n")[:-1]
        for number, line in enumerate(lines):
            where = f"{self.path}:{number + 1}"
            try:
                found = loads(line.decode("utf-8"), where)
            except UnicodeDecodeError as error:
                raise InputError(f"{where} is not UTF-8 text; {remedy}") from error
            if not isinstance(found, dict):
                raise InputError(f"{where} is no piece of work; {remedy}")
            if number == 0:
                if found.get("schema_version") != SCHEMA_VERSION:
                    raise InputError(f"{self.path} was written by another edgekit; {remedy}")
                continue
            if not isinstance(found.get("key"), str) or "value" not in found:
                raise InputError(f"{where} is no piece of work; {remedy}")
            self._pieces[found["key"]] = found["value"]
        if lines:
            self._started = True
            if not content.endswith(b"\n"):  # what was cut off must not run into the next line
                with self.path.open("rb+") as file:
                    file.truncate(content.rindex(b"\n") + 1)

    @property
    def pieces(self) -> int:
        """How many are done."""
        return len(self._pieces)

    def has(self, key: Mapping[str, Any]) -> bool:
        """Whether that piece is done."""
        return _name(key) in self._pieces

    def once(self, key: Mapping[str, Any], kind: type[Value], make: Callable[[], Value]) -> Value:
        """The value of ``key``: the one that is there, else what ``make`` gives, which is then kept.

        Args:
            key: everything the value depends on, in JSON's types.
            kind: the frozen dataclass that it is.
            make: does the piece.

        Raises:
            InputError: what is there is no such value.
            WriteFailed: it cannot be kept.
        """
        name = _name(key)
        if name in self._pieces:
            return parse(kind, self._pieces[name], f"{self.path}: {name}")
        value = make()
        self._add({"key": name, "value": value})
        self._pieces[name] = to_json(value)
        return value

    def _add(self, piece: dict[str, Any]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab" if self._started else "wb") as file:
                if not self._started:
                    file.write((dumps({"schema_version": SCHEMA_VERSION}) + "\n").encode("utf-8"))
                file.write((dumps(piece) + "\n").encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise WriteFailed(f"cannot write {self.path}: {error.strerror}; free some space") from error
        self._started = True


def _name(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True)
