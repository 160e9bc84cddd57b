"""``--set key=value``: checked against what the families and training understand, then applied to a preset."""

from __future__ import annotations

import math
from collections.abc import Mapping

from edgekit_export.families import FAMILIES
from edgekit_export.families.contract import Family, Number, Setting
from edgekit_export.presets import Preset
from edgekit_export.training import recipe
from edgekit_targets.errors import InputError


def check(preset: Preset, values: Mapping[str, str]) -> None:
    """Refuse what no family of ``preset`` understands, before any work starts.

    Raises:
        InputError: unknown key, a value that is no number, or one out of range; the message names ``--set``.
    """
    for family in FAMILIES:
        resolve(family, preset, values)


def resolve(family: Family, preset: Preset, values: Mapping[str, str]) -> tuple[dict[str, Number], recipe.Recipe]:
    """The sizes and the recipe of ``family``: preset, then ``key=value``, then ``family.key=value``.

    A bare key goes to every family that has it. Keys of other families are checked and left to them.

    Args:
        family: the one that is about to be built.
        preset: where the sizes come from.
        values: from ``--set``, for all families.

    Raises:
        InputError: as :func:`check`.
    """
    sizes, training = dict(preset.settings(family.name)), dict(family.recipe)
    known = {each.name: _settings(each, preset) for each in FAMILIES}
    for key, text in sorted(values.items(), key=lambda item: "." in item[0]):
        owner, dot, name = key.rpartition(".")
        owners = [owner] if dot else [each for each in known if name in known[each]]
        if not owners or owners[0] not in known or name not in known[owners[0]]:
            raise InputError(f"--set {key} is unknown with preset {preset.name}; valid keys: {_valid(known)}")
        for each in owners:
            value = _number(key, text, known[each][name])
            if each == family.name:
                (sizes if name in sizes else training)[name] = value
    return sizes, recipe.Recipe.of(training)


def _settings(family: Family, preset: Preset) -> dict[str, Setting]:
    """What may be set for ``family``: its sizes in this preset, and training."""
    sizes = preset.settings(family.name)
    own = {setting.name: setting for setting in family.settings if setting.name in sizes}
    return own | {setting.name: setting for setting in recipe.SETTINGS}


def _valid(known: Mapping[str, Mapping[str, Setting]]) -> str:
    training = [setting.name for setting in recipe.SETTINGS]
    sizes = [f"{family}.{name}" for family, names in known.items() for name in names if name not in training]
    return ", ".join(sizes + training)


def _number(key: str, text: str, setting: Setting) -> Number:
    kind = "a whole number" if setting.whole else "a number"
    wanted = f"--set {key}={text}: give {kind} from {setting.low} to {setting.high}"
    try:
        # int() and float() also take "1_0" and other scripts' digits, which nobody means to type here.
        if not text.isascii() or "_" in text:
            raise ValueError
        value: Number = int(text) if setting.whole else float(text)
    except ValueError as error:
        raise InputError(wanted) from error
    if not math.isfinite(value) or not setting.low <= value <= setting.high:
        raise InputError(wanted)
    return value
