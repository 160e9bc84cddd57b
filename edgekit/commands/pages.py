"""Writing pages to files: the report of a bundle, the card of the rounds, an explanation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from edgekit.decision.store import newest_verdict
from edgekit.explaining.contract import Explanation
from edgekit.profiling.store import read_profiles
from edgekit.report.page import render
from edgekit.rounds.contract import ScoreCard
from edgekit_targets.bundle import read_manifest
from edgekit_targets.errors import InputError
from edgekit_targets.files import write_atomic

_LONGEST_NAME: Final = 120


def write_report(bundle: Path, out: Path | None, *, force: bool, command: str) -> Path:
    """Render the bundle's newest verdict and all its evidence.

    Raises:
        InputError: no bundle, or the file exists and ``force`` was not given.
    """
    manifest = read_manifest(bundle)
    path = out if out is not None else bundle / "report.html"
    check_page(path, force=force)
    profiles = [profile for _, profile in read_profiles(bundle)]
    write_atomic(path, render(manifest, profiles, newest_verdict(bundle), command=command))
    return path


def check_page(path: Path, *, force: bool) -> None:
    """Refuse a page that cannot get its name, before any long work.

    Raises:
        InputError: a folder, something else than a file, or a file that is there and ``force`` was not given.
    """
    if path.is_dir():
        raise InputError(f"--out {path} is a folder; name the file to write, e.g. {path / 'report.html'}")
    if path.exists() and not path.is_file():
        raise InputError(f"--out {path} is no regular file; name a file to write, e.g. report.html")
    if path.exists() and not force:
        raise InputError(f"{path} exists already; choose another name with --out or replace it with --force")


def explanation_path(bundle: Path, artifact: str, sample: str) -> Path:
    """Where the explanation of a sample lies by default: names as far as file names go."""
    name = re.sub(r"[^0-9A-Za-z.]+", "-", f"{artifact}-{sample}")[:_LONGEST_NAME].strip("-.")
    return bundle / "explanations" / f"{name}.html"


def write_explanation(path: Path, found: Explanation) -> None:
    """Write the page of one explanation.

    Raises:
        InputError: the file cannot be written.
    """
    from edgekit.report.explanation import render_explanation

    write_atomic(path, render_explanation(found))


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
