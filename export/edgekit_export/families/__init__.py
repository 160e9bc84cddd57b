"""The model families that ship."""

from __future__ import annotations

import difflib

from edgekit_export.families.contract import Family, ModelSpec
from edgekit_export.families.conv import Conv
from edgekit_export.families.linear import Linear
from edgekit_export.families.lstm import Lstm
from edgekit_export.families.transformer import Transformer
from edgekit_targets.errors import InputError

__all__ = ["FAMILIES", "Family", "ModelSpec", "find"]

FAMILIES: list[Family] = [Lstm(), Transformer(), Linear(), Conv()]


def find(name: str) -> Family:
    """The family called ``name``.

    Raises:
        InputError: there is none; the message offers the nearest name.
    """
    for family in FAMILIES:
        if family.name == name:
            return family
    names = [family.name for family in FAMILIES]
    near = difflib.get_close_matches(name, names, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    raise InputError(
        f"unknown model {name}; {guess}choose {', '.join(names)}, package.module:callable, a .pt2 or an .onnx file"
    )
