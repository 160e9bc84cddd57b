"""What ``pick --format`` writes: one file a format, each with a ``NAME`` and a ``render`` of a verdict.

To add a format, add a file and its line below.
"""

import difflib
from types import ModuleType

from edgekit.formats import csv_table, json_document, junit, markdown
from edgekit_targets.errors import InputError

FORMATS: list[ModuleType] = [json_document, csv_table, markdown, junit]


def find_format(name: str) -> ModuleType:
    """The format of that name.

    Raises:
        InputError: there is none; the message names the nearest.
    """
    names = [one.NAME for one in FORMATS]
    if name in names:
        return FORMATS[names.index(name)]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    raise InputError(f"--format {name!r} is unknown; {hint}choose from {', '.join(names)}")
