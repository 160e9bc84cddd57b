"""``aeon:NAME``: the classification sets that ship inside the aeon package. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgekit_export.data.contract import Arrays
from edgekit_targets.errors import InputError
from edgekit_targets.extras import require

_PREFIX = "aeon:"


class AeonSource:
    """Reads the ``.ts`` files of the installed package with aeon's own reader, in their equal-length form.

    aeon's ``load_classification`` would download what it does not find; its file reader cannot.
    """

    form = "aeon:NAME"

    def takes(self, name: str) -> bool:
        """Whether ``name`` starts with ``aeon:``."""
        return name.startswith(_PREFIX)

    def read(self, name: str) -> Arrays:
        """Read both parts; ``.ts`` files hold [samples, features, length].

        Raises:
            InputError: not one of the sets that ship.
            MissingExtra: aeon is not installed.
        """
        wanted = name.removeprefix(_PREFIX)
        folder = Path(require("aeon").__path__[0]) / "datasets" / "data"
        shipped = dict(_shipped(folder))
        if wanted not in shipped:
            raise InputError(
                f"--data {name} does not ship with the aeon package, and edgekit downloads nothing; there are "
                f"{', '.join(shipped)}; load others yourself with --data npz:FILE"
            )
        read_ts = require("aeon.datasets").load_from_ts_file
        arrays = {}
        for part in ("train", "test"):
            x, y = read_ts(f"{shipped[wanted]}_{part.upper()}.ts")
            arrays[f"x_{part}"] = np.swapaxes(x, 1, 2)
            arrays[f"y_{part}"] = y
        return arrays


def _shipped(folder: Path) -> Iterator[tuple[str, Path]]:
    """Names and file stems of the labelled sets of equal length, the ``_eq`` form first where there is one."""
    for directory in sorted(folder.iterdir()):
        for stem in (directory / f"{directory.name}_eq", directory / directory.name):
            if _usable(Path(f"{stem}_TRAIN.ts")) and _usable(Path(f"{stem}_TEST.ts")):
                yield directory.name, stem
                break


def _usable(path: Path) -> bool:
    """Whether the header says class labels and equal length (the format's default)."""
    if not path.is_file():
        return False
    labelled = False
    with path.open(encoding="utf-8") as file:
        for line in file:
            words = line.lower().split()
            if words[:1] == ["@data"]:
                break
            if words[:2] == ["@equallength", "false"]:
                return False
            labelled = labelled or words[:2] == ["@classlabel", "true"]
    return labelled
