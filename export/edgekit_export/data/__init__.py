"""Data sets: where they come from, checked once, split once."""

from __future__ import annotations

from edgekit_export.data.aeon import AeonSource
from edgekit_export.data.checked import dataset_of
from edgekit_export.data.contract import Dataset, Source
from edgekit_export.data.function import FunctionSource
from edgekit_export.data.npz import NpzSource
from edgekit_export.data.text import TextSource
from edgekit_targets.errors import InputError

SOURCES: list[Source] = [AeonSource(), NpzSource(), TextSource(), FunctionSource()]
"""Asked in this order; the last takes every ``package.module:callable``."""


def load(name: str, seed: int = 0) -> Dataset:
    """Load, check and split what ``--data`` names.

    Args:
        name: ``aeon:NAME``, ``npz:FILE``, ``text:remarks`` or ``package.module:callable``.
        seed: decides which training sequences become the validation split, where the data brings none.

    Raises:
        InputError: no such data, or data nobody should train on (one class, NaN, widths that differ, ...).
        MissingExtra: ``aeon:`` without the aeon package.
    """
    for source in SOURCES:
        if source.takes(name):
            return dataset_of(name, source.read(name), seed)
    known = ", ".join(source.form for source in SOURCES)
    raise InputError(f"--data {name} is no data set; the forms are {known}")
