"""A Python as a device has one: a virtual environment that holds some packages and nothing else, no edgekit either."""

from __future__ import annotations

import importlib.metadata
import venv
from pathlib import Path


def bare_python(folder: Path, *distributions: str) -> Path:
    """Make one in ``folder``; gives its python. The packages are this environment's own, by links."""
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in distributions:
        found = importlib.metadata.distribution(name)
        for top in {path.parts[0] for path in found.files or [] if path.parts[0] != ".."}:
            (site / top).symlink_to(str(found.locate_file(top)))
    return folder / "bin" / "python"
