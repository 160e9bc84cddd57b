"""Verdicts of a bundle: kept beside the evidence they used."""

from __future__ import annotations

from pathlib import Path

from edgekit.documents import add_document, read_documents
from edgekit_targets.types.verdict import SCHEMA_VERSION, Verdict

FOLDER = "verdicts"


def write_verdict(bundle: Path, verdict: Verdict) -> Path:
    """Add a verdict to the bundle."""
    return add_document(bundle / FOLDER, verdict, verdict.created)


def newest_verdict(bundle: Path, device: str | None = None) -> Verdict | None:
    """The verdict given last (for the device that profiles keep under this name), or None where none was.

    Raises:
        InputError: a file is truncated, edited into something else or written by a newer edgekit.
    """
    found = read_documents(bundle / FOLDER, Verdict, SCHEMA_VERSION, lambda verdict: verdict.created)
    own = [verdict for _, verdict in found if device in (None, verdict.device)]
    return own[-1] if own else None
