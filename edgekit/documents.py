"""Documents that edgekit adds to a bundle: dated, never overwritten, checked when read back."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from edgekit_targets.bundle import check_version
from edgekit_targets.files import write_atomic
from edgekit_targets.records import dumps, load_file, parse

Document = TypeVar("Document")


def now() -> str:
    """The time a document is created, in UTC (RFC 3339)."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def add_document(folder: Path, document: object, created: str) -> Path:
    """Write a document under a name of its own in ``folder``.

    Raises:
        InputError: the folder cannot be written or the disk is full.
    """
    stamp = created.replace(":", "").replace("-", "").partition(".")[0]
    path = folder / f"{stamp}Z-{secrets.token_hex(3)}.json"
    write_atomic(path, dumps(document) + "\n")
    return path


def read_documents(
    folder: Path, kind: type[Document], schema_version: int, created: Callable[[Document], str], *, oldest: int = 1
) -> list[tuple[Path, Document]]:
    """Every document of the folder, oldest first; those of a schema before ``oldest`` are left out.

    Raises:
        InputError: a file is truncated, edited into something else or written by a newer edgekit.
    """
    found = [
        (path, parse(kind, data, str(path)))
        for path, data in _load_all(folder, schema_version)
        if data["schema_version"] >= oldest
    ]
    return sorted(found, key=lambda item: created(item[1]))


def older_documents(folder: Path, schema_version: int, oldest: int) -> list[Path]:
    """The documents that :func:`read_documents` leaves out.

    Raises:
        InputError: as there.
    """
    return [path for path, data in _load_all(folder, schema_version) if data["schema_version"] < oldest]


def _load_all(folder: Path, schema_version: int) -> Iterator[tuple[Path, Any]]:
    for path in sorted(folder.glob("*.json")):
        data = load_file(path)
        check_version(data, schema_version, path)
        yield path, data
