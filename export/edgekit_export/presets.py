"""The presets: one name for the sizes of every family, and the shape of the data they are meant for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgekit_export.families import FAMILIES
from edgekit_export.families.contract import Number
from edgekit_targets.errors import InputError

DEFAULT = "iot"


@dataclass(frozen=True, kw_only=True)
class Preset:
    """``features``, ``classes`` and ``length`` hold where there is no data set to take them from."""

    name: str
    features: int
    classes: int
    length: int

    def settings(self, family: str) -> Mapping[str, Number]:
        """The sizes of the family called ``family``."""
        return next(each.sizes[self.name] for each in FAMILIES if each.name == family)


PRESETS: list[Preset] = [
    Preset(name="seed", features=128, classes=9, length=10),
    Preset(name="iot", features=12, classes=9, length=25),
    Preset(name="mid", features=64, classes=10, length=100),
    Preset(name="10m", features=64, classes=10, length=64),
]


def find(name: str) -> Preset:
    """The preset called ``name``.

    Raises:
        InputError: there is none; the message lists them.
    """
    for preset in PRESETS:
        if preset.name == name:
            return preset
    raise InputError(f"--preset {name} does not exist; choose {', '.join(preset.name for preset in PRESETS)}")
