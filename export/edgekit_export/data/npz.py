"""``npz:FILE``: arrays in a NumPy archive."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from edgekit_export.data.contract import Arrays
from edgekit_targets.errors import InputError

_PREFIX = "npz:"
_DAMAGE = (OSError, EOFError, MemoryError, OverflowError, RuntimeError, SyntaxError, zipfile.BadZipFile, zlib.error)
"""What zipfile, zlib and numpy raise on bytes that nobody meant to write (found by fuzzing)."""


class NpzSource:
    """Reads ``x_train y_train x_test y_test`` from a ``.npz``, never unpickling.

    And ``x_valid y_valid``, where they are there; with ``vocab``, text that names each token, x holds token ids.
    """

    form = "npz:FILE"

    def takes(self, name: str) -> bool:
        """Whether ``name`` starts with ``npz:``."""
        return name.startswith(_PREFIX)

    def read(self, name: str) -> Arrays:
        """Read every array.

        Raises:
            InputError: missing, unreadable, no archive, damaged, or holding pickled objects.
        """
        path = Path(name.removeprefix(_PREFIX)).expanduser()
        if not path.is_file():
            raise InputError(f"--data {name}: {path} is not a file; give the path of a .npz")
        try:
            if not zipfile.is_zipfile(path):
                raise InputError(f"--data {name} is no .npz archive; write one with numpy.savez")
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                return {key: np.asarray(archive[key]) for key in archive.files}
        except ValueError as error:
            raise InputError(
                f"--data {name} holds pickled objects or is damaged; save plain arrays with numpy.savez"
            ) from error
        except _DAMAGE as error:
            raise InputError(f"--data {name} is truncated or damaged; write it again with numpy.savez") from error
