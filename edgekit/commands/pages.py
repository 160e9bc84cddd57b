"""Writing the report of a bundle to a file."""

from __future__ import annotations

from pathlib import Path

from edgekit.decision.store import newest_verdict
from edgekit.profiling.store import read_profiles
from edgekit.report.page import render
from edgekit.rounds.contract import ScoreCard
from edgekit_targets.bundle import read_manifest
from edgekit_targets.errors import InputError
from edgekit_targets.files import write_atomic


def write_report(bundle: Path, out: Path | None, *, force: bool, command: str) -> Path:
    """Render the bundle's newest verdict and all its evidence.

    Raises:
        InputError: no bundle, or the file exists and ``force`` was not given.
    """
    manifest = read_manifest(bundle)
    path = out if out is not None else bundle / "report.html"
    if path.is_dir():
        raise InputError(f"--out {path} is a folder; name the file to write, e.g. {path / 'report.html'}")
    if path.exists() and not path.is_file():
        raise InputError(f"--out {path} is no regular file; name a file to write, e.g. report.html")
    if path.exists() and not force:
        raise InputError(f"{path} exists already; choose another name with --out or replace it with --force")
    profiles = [profile for _, profile in read_profiles(bundle)]
    write_atomic(path, render(manifest, profiles, newest_verdict(bundle), command=command))
    return path


def write_card(folder: Path, card: ScoreCard) -> Path:
    """Write the score card of the rounds as a document and as a page; the page's path.

    Raises:
        InputError: the folder cannot be written.
    """
    from edgekit.report.rounds import render_card
    from edgekit.rounds.play import CARD
    from edgekit_targets.records import dumps

    path = folder / "report.html"
    write_atomic(path, render_card(card))
    write_atomic(folder / CARD, dumps(card, indent=1) + "\n")
    return path
