"""Precisions: what can be made of an fp32 graph. Adding one is a file and a line here."""

from __future__ import annotations

from typing import Final

from edgekit_export.quantize.contract import Precision
from edgekit_export.quantize.fp16 import Fp16
from edgekit_export.quantize.fp32 import Fp32
from edgekit_export.quantize.int4_weight import Int4Weight
from edgekit_export.quantize.int8_dynamic import Int8Dynamic
from edgekit_export.quantize.int8_static import Int8Static
from edgekit_export.quantize.int8_weight import Int8Weight
from edgekit_targets.errors import InputError

REGISTRY: Final[tuple[Precision, ...]] = (Fp32(), Fp16(), Int8Dynamic(), Int8Static(), Int8Weight(), Int4Weight())


def find(name: str) -> Precision:
    """The precision called ``name``.

    Raises:
        InputError: there is none; the message names those there are.
    """
    for precision in REGISTRY:
        if precision.name == name:
            return precision
    known = ", ".join(precision.name for precision in REGISTRY)
    raise InputError(f"--precision {name} is not known here; choose among {known}")
